// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/identifications.hpp"

namespace rolesync::rollout {
namespace {

// " + 3 changed files"
std::string counted(std::size_t count, const std::string& what) {
  if (count == 0) return {};
  return " + " + std::to_string(count) + " " + what + (count == 1 ? " file" : " files");
}

}  // namespace

std::string Identification::summary() const {
  std::size_t missing = 0, changed = 0;
  for (const domain::Difference& difference : nearest.differences) {
    if (difference.kind == "ghost") continue;
    ++(difference.kind == "missing" ? missing : changed);
  }
  return role + " = " + nearest.commit.substr(0, 8) + counted(changed, "changed") +
         counted(missing, "missing") + counted(nearest.ghosts.size(), "ghost");
}

void Identifications::put(Identification identification) {
  const std::lock_guard lock(mutex_);
  auto key = std::make_pair(identification.node, identification.role);
  known_[std::move(key)] = std::move(identification);
}

std::optional<Identification> Identifications::find(const std::string& node,
                                                    const std::string& role) const {
  const std::lock_guard lock(mutex_);
  const auto it = known_.find({node, role});
  return it == known_.end() ? std::nullopt : std::optional(it->second);
}

}  // namespace rolesync::rollout
