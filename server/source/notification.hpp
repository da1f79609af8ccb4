// SPDX-License-Identifier: Apache-2.0
// What a repository's hook tells us (docs/protocol.md "Notify"): who says it, and what it says. It
// only ever names a branch and two commits; nothing in it is fetched, run or deployed. That a nonce
// is good once is checked in the store (store::use_nonce). Pure; any thread.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "host/values/result.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync::source {

struct NotifyHeaders {
  std::string source;  // a name
  Millis timestamp = 0;
  std::string nonce;           // 16 to 64 hex digits
  std::string timestamp_text;  // as sent, because that is what was signed
  std::string signature;       // hex, without "sha256="
};

// From request headers with names in lower case. Errors: unauthenticated/signature_missing,
// invalid/notify_header_invalid.
Result<NotifyHeaders> notify_headers(const std::map<std::string, std::string>& headers);

constexpr Millis notify_window = Millis{5} * 60 * 1000;

// Errors: unauthenticated/signature_wrong, unauthenticated/timestamp_outside_window.
Status verify_notification(const NotifyHeaders& headers, std::string_view body,
                           std::string_view key, Millis now);

struct Notification {
  std::string ref;                     // "refs/heads/main"
  std::optional<std::string> branch;   // of ref, when it is a branch
  std::string old_commit, new_commit;  // empty: created / deleted
  bool forced = false;
  std::string repository, message, author;  // for people; may be empty
};

// Strict: unknown fields and wrong types are refused. Errors: invalid/notify_body_invalid.
Result<Notification> parse_notification(std::string_view body);

}  // namespace rolesync::source
