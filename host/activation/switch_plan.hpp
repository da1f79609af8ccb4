// SPDX-License-Identifier: Apache-2.0
// Which paths a switch touches, and whether each of its steps is possible on this disk. Reads,
// never changes. Belongs to one Installation; its thread.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "host/activation/journal.hpp"
#include "host/activation/live_tree.hpp"

namespace rolesync {

struct SwitchGoal {
  const MarkerRecord* current = nullptr;  // nullptr: nothing is installed
  const Manifest& next;
  const DriftByPath& drift;  // of the current release
  const std::set<std::string>&
      as_is;  // paths that are right already, or that must stay as they are
};

// Steps by path, without slots. The cost follows the difference of the two manifests plus the
// drift.
std::vector<SwitchStep> plan_steps(const SwitchGoal& goal);

// Entries of `next` that the disk has already although nothing is installed (first install onto a
// tree that was deployed by hand).
Result<std::set<std::string>> already_there(FileSystem& fs, const std::string& target,
                                            const Manifest& next);

// Checks every step; adds a step for each foreign file that stands where a directory must be.
// Errors: directory_in_the_way, symlink_in_path, cross_device, reserved_path.
Status check_steps(FileSystem& fs, const std::string& target, std::uint64_t device,
                   const SwitchGoal& goal, std::vector<SwitchStep>& steps);

// Refuses a target that has files within the territory (`owned`, see InstallationOptions).
Status check_first_install(FileSystem& fs, const std::string& target,
                           const std::vector<std::string>& owned);

}  // namespace rolesync
