// SPDX-License-Identifier: Apache-2.0
// Detector: for programs that touch <target>/alive every few seconds while they work. The role is
// active when the file is there, and healthy while it is younger than half a minute.
#include <chrono>
#include <filesystem>
#include <rolesync/detector.hpp>

namespace {

using rolesync::Detection;
using rolesync::Facts;
using rolesync::Health;
using rolesync::RoleData;
using rolesync::State;

constexpr std::chrono::seconds too_old{30};

class AliveFile : public rolesync::Detector {
 public:
  Detection detect(const RoleData& role, const Facts& facts) override {
    Detection found;
    if (!facts.path_exists) {
      found.state = State::not_installed;
      return found;
    }
    // A detector runs on the node and may look at it, quickly: this is once per heartbeat.
    std::error_code error;
    const auto touched = std::filesystem::last_write_time(role.target_path + "/alive", error);
    if (error) {
      found.state = State::inactive;
      found.reason = "never_alive";
      return found;
    }
    const auto age = std::filesystem::file_time_type::clock::now() - touched;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age);
    found.evidence["age_seconds"] = std::int64_t{seconds.count()};
    found.state = State::active;
    found.health = seconds < too_old ? Health::healthy : Health::failing;
    if (found.health == Health::failing) found.reason = "not_alive";
    return found;
  }
};

}  // namespace

ROLESYNC_PLUGIN("alive_file", "1.0.0",
                rolesync::detector<AliveFile>("alive_file")
                    .summary("a file that the program touches while it works")
                    .parallel());
