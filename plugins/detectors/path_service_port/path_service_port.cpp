// SPDX-License-Identifier: Apache-2.0
// The default rule: a role is active when its path exists and its service runs; a named port must
// listen for it to be healthy. Without a service the port stands in for it; without both the path
// is all there is to see.
#include <rolesync/detector.hpp>

namespace {

using rolesync::Detection;
using rolesync::Facts;
using rolesync::Health;
using rolesync::RoleData;
using rolesync::Running;
using rolesync::State;

class PathServicePort : public rolesync::Detector {
 public:
  Detection detect(const RoleData& role, const Facts& facts) override {
    Detection found;
    found.evidence["path_exists"] = facts.path_exists;
    if (!role.target_path.empty() && !facts.path_exists) {
      found.state = State::not_installed;
      if (facts.service && facts.service->state == Running::running) {
        found.reason = "service_without_path";
      }
      return found;
    }
    if (facts.service) {
      judge_service(*facts.service, found);
    } else if (role.target_path.empty() && !role.port) {
      found.reason = "nothing_to_detect";
    } else {
      found.state = State::active;
      found.health = Health::healthy;
    }
    if (role.port) judge_port(*role.port, facts, found);
    return found;
  }

 private:
  static void judge_service(const rolesync::ServiceStatus& service, Detection& found) {
    found.evidence["service_running"] = service.state == Running::running;
    if (!service.detail.empty()) found.evidence["service_detail"] = service.detail;
    switch (service.state) {
      case Running::running:
      case Running::waiting:
      case Running::finished:
        found.state = State::active;
        found.health = Health::healthy;
        break;
      case Running::stopped:
        found.state = State::inactive;
        found.reason = "service_stopped";
        break;
      case Running::failed:
        found.state = State::inactive;
        found.health = Health::failing;
        found.reason = "service_failed";
        break;
      case Running::unknown:
        found.reason = "service_unknown";
        break;
    }
    if (!service.reason.empty()) found.reason = service.reason;
  }

  // Only an active role can fail by its port; one that is stopped is simply stopped.
  static void judge_port(int port, const Facts& facts, Detection& found) {
    const bool listening = facts.listening(port);
    found.evidence["port"] = std::int64_t{port};
    found.evidence["port_listening"] = listening;
    if (listening || found.state != State::active) return;
    found.health = Health::failing;
    found.reason = "port_not_listening";
    if (!facts.service) found.state = State::inactive;
  }
};

}  // namespace

ROLESYNC_PLUGIN("path_service_port", "1.0.0",
                rolesync::detector<PathServicePort>("path_service_port")
                    .summary("path and service make a role active, its port healthy"));
