// SPDX-License-Identifier: Apache-2.0
#include "host/plugin_host/bridge.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>

namespace rolesync {
namespace {

// One direction: bytes wait here when the sink is slow, so that neither side blocks the other.
class Direction {
 public:
  Direction(int from, int to, bool sink_is_connection)
      : from_(from), to_(to), sink_is_connection_(sink_is_connection) {}

  bool over() const { return ended_ && begin_ == end_; }
  bool failed() const { return failed_; }
  pollfd reading() const { return {!ended_ && begin_ == end_ ? from_ : -1, POLLIN, 0}; }
  pollfd writing() const { return {begin_ != end_ ? to_ : -1, POLLOUT, 0}; }

  void read() {
    const ssize_t count = ::read(from_, buffer_.data(), buffer_.size());
    if (count > 0) {
      begin_ = 0;
      end_ = static_cast<std::size_t>(count);
      write();
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      failed_ |= count < 0;
      end();
    }
  }

  void write() {
    const ssize_t count = ::write(to_, buffer_.data() + begin_, end_ - begin_);
    if (count > 0) {
      begin_ += static_cast<std::size_t>(count);
    } else if (errno != EAGAIN && errno != EINTR) {
      failed_ = true;
      begin_ = end_ = 0;
      end();
    }
  }

 private:
  void end() {
    ended_ = true;
    if (sink_is_connection_) {
      ::shutdown(to_, SHUT_WR);
    } else {
      ::close(to_);
    }
  }

  const int from_, to_;
  const bool sink_is_connection_;
  std::array<char, 65'536> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool ended_ = false, failed_ = false;
};

void make_non_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0) ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

}  // namespace

int run_bridge(int connection) {
  std::signal(SIGPIPE, SIG_IGN);
  for (const int fd : {0, 1, connection}) make_non_blocking(fd);
  static Direction out(0, connection, true);
  static Direction in(connection, 1, false);
  while (!in.over()) {  // once the far side is silent nobody needs what stdin still says
    std::array<pollfd, 4> fds{{out.reading(), out.writing(), in.reading(), in.writing()}};
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return 1;
    }
    if (fds[0].revents) out.read();
    if (fds[1].revents) out.write();
    if (fds[2].revents) in.read();
    if (fds[3].revents) in.write();
  }
  return in.failed() ? 1 : 0;
}

}  // namespace rolesync
