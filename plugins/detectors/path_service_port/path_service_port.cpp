// SPDX-License-Identifier: Apache-2.0
// The default rule: a role is active when its path exists and its service runs; a named port must
// listen, for its own service, for it to be healthy. Without a service the port stands in for it;
// without both the path is all there is to see. What the agent may not look at makes no state: it
// is unknown, with the reason.
#include <algorithm>
#include <rolesync/detector.hpp>

namespace {

using rolesync::Detection;
using rolesync::Facts;
using rolesync::Health;
using rolesync::PortFacts;
using rolesync::RoleData;
using rolesync::Running;
using rolesync::State;

// They hold a port for somebody else: systemd for a socket unit, the others for a container.
bool holds_for_others(const std::string& process) {
  static const char* const forwarders[] = {"systemd",      "systemd-socket-", "docker-proxy",
                                           "rootlessport", "slirp4netns",     "pasta",
                                           "pasta.avx2",   "conmon"};
  return std::find(std::begin(forwarders), std::end(forwarders), process) != std::end(forwarders);
}

std::string joined(const std::vector<std::string>& texts) {
  std::string text;
  for (const std::string& each : texts) text += (text.empty() ? "" : ", ") + each;
  return text;
}

class PathServicePort : public rolesync::Detector {
 public:
  Detection detect(const RoleData& role, const Facts& facts) override {
    Detection found;
    found.evidence["path_exists"] = facts.path_exists;
    if (!role.target_path.empty() && !facts.path_exists) {
      if (!facts.path_error.empty()) {
        found.reason = facts.path_error;
        return found;
      }
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
    found.evidence["port"] = std::int64_t{port};
    if (!facts.ports_error.empty()) return port_unknown(facts, found);
    const bool listening = facts.listening(port);
    found.evidence["port_listening"] = listening;
    if (facts.port) describe(*facts.port, found);
    if (found.state != State::active) return;
    const bool own = facts.port && facts.port->owner == PortFacts::Owner::service;
    const bool elsewhere = facts.port && !facts.port->addresses.empty() && !facts.port->answers;
    if (!listening) {
      found.health = Health::failing;
      found.reason = own && elsewhere ? "port_on_other_address" : "port_not_listening";
      if (!facts.service) found.state = State::inactive;
    } else if (held_by_other(facts)) {
      found.health = Health::failing;
      found.reason = "port_held_by_other";
    } else if (elsewhere && found.reason.empty()) {
      found.reason = "port_on_other_address";
    }
  }

  static void port_unknown(const Facts& facts, Detection& found) {
    if (found.state != State::active) return;
    found.health = Health::unknown;
    found.reason = facts.ports_error;
    if (!facts.service) found.state = State::unknown;
  }

  static bool held_by_other(const Facts& facts) {
    return facts.port && facts.port->owner == PortFacts::Owner::other && facts.service &&
           facts.service->state == Running::running && !holds_for_others(facts.port->process);
  }

  static void describe(const PortFacts& port, Detection& found) {
    if (port.addresses.empty()) return;
    static const char* const owners[] = {"service", "other", "unknown"};
    found.evidence["port_addresses"] = joined(port.addresses);
    found.evidence["port_owner"] = std::string(owners[static_cast<int>(port.owner)]);
    // Without the right to look at other users' processes nobody is seen there.
    found.evidence["port_process"] = port.process.empty() ? "not visible" : port.process;
  }
};

}  // namespace

ROLESYNC_PLUGIN("path_service_port", "1.1.0",
                rolesync::detector<PathServicePort>("path_service_port")
                    .summary("path and service make a role active, its port healthy"));
