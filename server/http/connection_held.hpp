// SPDX-License-Identifier: Apache-2.0
// A Connection's lock together with what must be called when it is released. For connection*.cpp.
#pragma once
#include <functional>
#include <mutex>
#include <vector>

#include "server/http/connection.hpp"

namespace rolesync::http {

struct Connection::Held {
  explicit Held(Connection& connection) : lock(connection.mutex_) {}
  ~Held() {
    lock.unlock();
    for (const auto& function : later) {
      try {
        function();
      } catch (...) {  // a callback's failure must not take the front down
      }
    }
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  std::unique_lock<std::mutex> lock;
  std::vector<std::function<void()>> later;
};

}  // namespace rolesync::http
