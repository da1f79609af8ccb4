// SPDX-License-Identifier: Apache-2.0
// What becomes of the news of a commit, whoever brings it (our hook, a forge's webhook): a fetch
// later, or a reason why not. Deploys nothing. Any thread.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "server/api/api.hpp"
#include "server/source/notification.hpp"
#include "server/store/sources.hpp"

namespace rolesync::api {

// 202 with what is done about it.
http::Response take_notice(Api& api, const http::Request& request, const store::CodeSource& source,
                           const source::Notification& said);
http::Response ignore_notice(const std::string& state, const std::string& reason);

// Writes senders that were not believed into the audit log, at most once a minute for each source
// and reason, so that nobody can fill the disk that way.
class NoticeRefusals {
 public:
  // Returns the answer for the sender. `source` as it was claimed.
  http::Response refuse(Api& api, const http::Request& request, const std::string& source,
                        const Error& error);

 private:
  struct Count {
    Millis written_at = 0;
    std::int64_t unwritten = 0;
  };
  std::optional<std::int64_t> unwritten(const std::string& key, Millis now);
  std::mutex mutex_;
  std::map<std::string, Count> counts_;
};

// A secret of a source from its file in the secrets directory; nothing when there is none.
Result<std::optional<std::string>> source_secret(Api& api, const std::string& file);

}  // namespace rolesync::api
