// SPDX-License-Identifier: Apache-2.0
// Something that listens where the server should: takes every connection and does to each the same
// wrong thing, on a thread of its own. Made and destroyed by the test's thread.
#pragma once
#include <map>
#include <mutex>
#include <set>

#include "tests/host/client/scripted_server.hpp"

namespace rolesync {

class WrongServer {
 public:
  using Behaviour = std::function<void(ScriptedConnection&)>;

  explicit WrongServer(Behaviour behaviour)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        behaviour_(std::move(behaviour)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        ::listen(listener_, 64) != 0) {
      throw std::runtime_error("cannot listen");
    }
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~WrongServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int each : open_) ::shutdown(each, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    ::close(listener_);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int accepted() const { return accepted_; }

 private:
  void accept_all() {
    for (;;) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      ++accepted_;
      const std::lock_guard lock(mutex_);
      open_.insert(fd);
      threads_.emplace_back([this, fd] {
        {
          // The descriptor is closed by us, so that nobody shuts a number down that was reused.
          ScriptedConnection connection(::dup(fd));
          behaviour_(connection);
        }
        const std::lock_guard closing(mutex_);
        ::shutdown(fd, SHUT_RDWR);
        ::close(fd);
        open_.erase(fd);
      });
    }
  }

  int listener_;
  std::uint16_t port_ = 0;
  const Behaviour behaviour_;
  std::atomic<int> accepted_ = 0;
  std::mutex mutex_;
  std::set<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace rolesync
