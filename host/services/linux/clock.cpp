// SPDX-License-Identifier: Apache-2.0
#include "host/services/clock.hpp"

#include <fstream>

namespace rolesync {
namespace {

class RealClock : public Clock {
 public:
  RealClock() {
    std::ifstream in("/proc/sys/kernel/random/boot_id");
    std::getline(in, boot_id_);
  }
  Millis now() override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  std::chrono::steady_clock::time_point monotonic() override {
    return std::chrono::steady_clock::now();
  }
  std::string boot_id() override { return boot_id_; }

 private:
  std::string boot_id_;
};

}  // namespace

Clock& real_clock() {
  static RealClock clock;
  return clock;
}

}  // namespace rolesync
