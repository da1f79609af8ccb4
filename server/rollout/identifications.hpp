// SPDX-License-Identifier: Apache-2.0
// What was found out last about trees that rolesync did not deploy, by node and role. In memory:
// it is a look at a moment, and costs no more than looking again. Any thread.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/domain/nearest.hpp"

namespace rolesync::rollout {

struct Identification {
  std::string node, role, source, role_revision;
  Millis at = 0;
  domain::Nearest nearest;
  std::size_t files = 0;          // of the commit
  std::string content_id;         // of what would be adopted: the commit's files and the ghosts
  std::string commit_content_id;  // of the commit alone
  std::uint64_t others = 0;       // files of nobody in the role's territory
  bool counted_all = true;        // false: there are more of these
  std::vector<std::string> examples;
  std::vector<std::pair<std::string, std::string>> odd;  // path, reason

  // "frontend = cd84b085 + 3 changed files"
  std::string summary() const;
};

class Identifications {
 public:
  void put(Identification identification);
  std::optional<Identification> find(const std::string& node, const std::string& role) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Identification> known_;
};

}  // namespace rolesync::rollout
