// SPDX-License-Identifier: Apache-2.0
// What a simulated machine looks like from outside: its plugins, ports, system, and the roles on
// its disk, as the texts of a heartbeat. Deterministic by seed. One thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/values/json.hpp"

namespace rolesync::simulated {

// Which nodes behave how.
struct Traits {
  bool failing = false, slow = false, vanishing = false, drifting = false;
};

// Numbers that look like chance and are the same in every run.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  // Between half and one and a half of it.
  int about(int value);

 private:
  std::uint64_t state_;
};

struct RoleFacts {
  std::string name;
  bool has_service = false;
  std::optional<int> port;
};

// The answer of /api/roles/definitions, taken apart once for all nodes that get the same.
struct Definitions {
  std::string etag;
  std::vector<RoleFacts> roles;
  const RoleFacts* find(const std::string& role) const;
};
Result<std::shared_ptr<const Definitions>> read_definitions(const std::string& text);

struct Release {
  std::string commit, content_id, role_revision, verified_at;
};

class Machine {
 public:
  Machine(std::string node, Dice dice, bool drifting, bool quarantined);

  // The parts of a heartbeat that seldom change.
  std::map<std::string, std::string> parts(const Definitions* definitions);
  Json figures();  // cpu, memory, disk

  void put(const std::string& role, Release release);
  void remove(const std::string& role);
  const Release* find(const std::string& role) const;

 private:
  std::string role_report(const Definitions& definitions) const;
  std::string ports(const Definitions* definitions) const;

  Dice dice_;
  const bool drifting_;
  std::uint64_t pid_;
  std::string plugins_, os_info_;
  std::map<std::string, Release> disk_;
  // Made anew when the disk or the definitions change.
  const Definitions* reported_ = nullptr;
  std::string report_, ports_;
};

}  // namespace rolesync::simulated
