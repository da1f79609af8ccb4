// SPDX-License-Identifier: Apache-2.0
// The streams of one plugin call by id: opened by `stream.open` on a node, or put in by the server
// that calls a deployer's `serve`. What nobody took is closed with the table. Any thread.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "host/stream/stream.hpp"
#include "host/values/result.hpp"

namespace rolesync {

class StreamTable {
 public:
  std::string add(std::unique_ptr<Stream> stream);  // its id
  // The stream leaves the table. Error: not_found/stream_unknown.
  Result<std::unique_ptr<Stream>> take(const std::string& id);

 private:
  std::mutex mutex_;
  unsigned next_ = 1;
  std::map<std::string, std::unique_ptr<Stream>> streams_;
};

}  // namespace rolesync
