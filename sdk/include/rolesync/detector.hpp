// SPDX-License-Identifier: Apache-2.0
// A detector finds out whether a role is present on this node and in which state. The host collects
// the common facts once per heartbeat; a detector may ask for more through host().
#pragma once
#include <rolesync/plugin.hpp>

namespace rolesync {
inline namespace sdk1 {

// Who listens on the role's port.
struct PortFacts {
  enum class Owner { service, other, unknown };
  Owner owner = Owner::unknown;        // other: surely not the role's service
  std::string process;                 // name of the program; empty: not visible to the agent
  std::vector<std::string> addresses;  // where it listens; empty: nothing does
  bool answers = true;                 // at the address where rolesync asks for the role's health
};

struct Facts {
  bool path_exists = false;              // the role's target path
  std::optional<ServiceStatus> service;  // absent: the role has no service
  std::vector<int> listening_ports;      // all TCP ports something listens on here
  std::string path_error;                // why path_exists is not known, snake_case; empty: it is
  std::string ports_error;               // the same of all ports
  std::optional<PortFacts> port;         // absent: the role names none, or nothing is known
  bool listening(int port) const;
};

enum class State { active, inactive, not_installed, unknown };
enum class Health { healthy, failing, unknown };

struct Detection {
  State state = State::unknown;
  Health health = Health::unknown;
  std::string reason;    // snake_case, why it is not simply fine; may be empty
  Values evidence = {};  // what was seen
};

class Detector : public Instance {
 public:
  virtual Detection detect(const RoleData& role, const Facts& facts) = 0;
  Json call(std::string_view method, const Json& request) final;
};

template <class T>
Export detector(const char* id) {
  return Export("detector", id,
                []() -> std::unique_ptr<Instance> { return std::make_unique<T>(); });
}

}  // namespace sdk1
}  // namespace rolesync
