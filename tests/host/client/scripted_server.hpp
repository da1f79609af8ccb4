// SPDX-License-Identifier: Apache-2.0
// A server that does exactly what the test says, however wrong: one function per connection, in
// the order in which they come.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace rolesync {

class ScriptedConnection {
 public:
  explicit ScriptedConnection(int fd) : fd_(fd) {}
  ~ScriptedConnection() { ::close(fd_); }
  ScriptedConnection(const ScriptedConnection&) = delete;
  ScriptedConnection& operator=(const ScriptedConnection&) = delete;

  bool send(std::string_view bytes) const {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // One request head (bodies of the tests are small and come along, or are told by `more`).
  std::string read_head() {
    while (seen_.find("\r\n\r\n") == std::string::npos) {
      if (!read_some()) return std::exchange(seen_, {});
    }
    return std::exchange(seen_, {});
  }
  std::string read_all() {
    while (read_some()) {
    }
    return std::exchange(seen_, {});
  }

 private:
  bool read_some() {
    char piece[4096];
    const ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
    if (n > 0) seen_.append(piece, static_cast<std::size_t>(n));
    return n > 0;
  }
  int fd_;
  std::string seen_;
};

class ScriptedServer {
 public:
  using Script = std::function<void(ScriptedConnection&)>;

  explicit ScriptedServer(std::vector<Script> scripts)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), scripts_(std::move(scripts)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        ::listen(listener_, 16) != 0) {
      throw std::runtime_error("cannot listen");
    }
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  // The client of the test must be gone, or its script at its end.
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int accepted() const { return accepted_; }

 private:
  void run() {
    for (const Script& script : scripts_) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      ++accepted_;
      ScriptedConnection connection(fd);
      script(connection);
    }
  }
  int listener_;
  std::uint16_t port_ = 0;
  std::vector<Script> scripts_;
  std::atomic<int> accepted_ = 0;
  std::thread thread_;
};

}  // namespace rolesync
