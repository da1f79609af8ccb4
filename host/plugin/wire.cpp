// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/wire.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "host/process/spawn.hpp"

namespace rolesync::plugin {
namespace {

using Clock = std::chrono::steady_clock;

bool wait_writable(int fd, Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (left <= 0) return false;
  pollfd wanted{fd, POLLOUT, 0};
  return ::poll(&wanted, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000))) != 0 ||
         Clock::now() < deadline;
}

}  // namespace

void LineBuffer::add(std::string_view bytes) {
  bytes_.append(bytes);
}

std::optional<std::string> LineBuffer::take() {
  const std::size_t end = bytes_.find('\n', searched_);
  if (end == std::string::npos) {
    searched_ = bytes_.size();
    return std::nullopt;
  }
  std::string line = bytes_.substr(0, end);
  bytes_.erase(0, end + 1);
  searched_ = 0;
  return line;
}

bool LineBuffer::too_long() const {
  return bytes_.size() > longest_line;
}

Status write_line(int fd, const Json& message, Clock::time_point deadline) {
  const std::string line = to_text(message) + "\n";
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t count = process::write_quietly(fd, line.data() + done, line.size() - done);
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      if (!wait_writable(fd, deadline)) {
        return Error{ErrorKind::timeout, "wire_stalled", "the other side does not read"};
      }
    } else if (errno != EINTR) {
      return Error{ErrorKind::failed, "wire_closed", "the other side is gone"};
    }
  }
  return {};
}

Result<Json> parse_line(std::string_view line) {
  Result<Json> message = parse_json(line, {.max_bytes = longest_line});
  if (message && !message->is_object()) {
    return Error{ErrorKind::failed, "wire_protocol", "a line that is no JSON object"};
  }
  return message;
}

}  // namespace rolesync::plugin
