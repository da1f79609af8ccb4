// SPDX-License-Identifier: Apache-2.0
#include "host/services/stream_table.hpp"

#include <utility>

namespace rolesync {

std::string StreamTable::add(std::unique_ptr<Stream> stream) {
  std::lock_guard lock(mutex_);
  std::string id = "stream_" + std::to_string(next_++);
  streams_[id] = std::move(stream);
  return id;
}

Result<std::unique_ptr<Stream>> StreamTable::take(const std::string& id) {
  std::lock_guard lock(mutex_);
  auto it = streams_.find(id);
  if (it == streams_.end()) {
    return Error{ErrorKind::not_found, "stream_unknown",
                 "there is no open stream '" + id + "' in this call", "open it first"};
  }
  std::unique_ptr<Stream> stream = std::move(it->second);
  streams_.erase(it);
  return stream;
}

}  // namespace rolesync
