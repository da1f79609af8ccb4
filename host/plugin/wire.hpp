// SPDX-License-Identifier: Apache-2.0
// How an isolated plugin and its host talk: one JSON object per line, over the child's stdin and
// stdout as it found them.
//   host:  {"create": {"kind", "id"}}            child: {"created": {}} or {"error": {...}}
//   host:  {"call": method, "request": ...}      child: {"result": ...} or {"error": {...}}
// and in between, any number of times:
//   child: {"service": name, "request": ...}     host:  {"reply": ...} or {"error": {...}}
//   child: {"log": level, "text": "..."}
// Used by one thread at a time.
#pragma once
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync::plugin {

constexpr std::size_t longest_line = 8 << 20;

// Cuts a byte stream into lines.
class LineBuffer {
 public:
  void add(std::string_view bytes);
  std::optional<std::string> take();  // without the newline
  bool too_long() const;              // the unfinished line is over the limit

 private:
  std::string bytes_;
  std::size_t searched_ = 0;  // no newline before this
};

// Writes everything, waiting for a reader that is slow. Never raises SIGPIPE. Errors:
// failed/wire_closed, timeout/wire_stalled.
Status write_line(int fd, const Json& message, std::chrono::steady_clock::time_point deadline);

// Parses one line; a message is an object.
Result<Json> parse_line(std::string_view line);

}  // namespace rolesync::plugin
