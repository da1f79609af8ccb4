// SPDX-License-Identifier: Apache-2.0
// Knows of every role's tree whether it is as deployed, and looks at no more of it than it must:
// where the kernel tells what was touched, only at that. The caller holds the role's installation.
// Any thread.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "host/activation/installation.hpp"
#include "host/agent/tree_watch.hpp"
#include "host/role/role.hpp"

namespace rolesync::agent {

class Prover {
 public:
  // `on_touch` is called when somebody touched a managed file of a role.
  explicit Prover(std::function<void(const std::string& role)> on_touch);

  // needed: what may have changed since the last proof; stats: every file's stat; full: every byte.
  enum class Depth { needed, stats, full };
  Result<Proof> prove(const Role& role, Installation& installation, Depth depth);

  // We have just switched `role` to the release of this task, and these paths differ.
  void switched(const std::string& role, const std::string& task_id,
                std::vector<std::string> paths);
  // The kernel tells of every touch in this tree.
  bool watches(const std::string& role) const;

 private:
  struct Tree {
    bool complete = false;  // all of it is watched
    std::string task_id;    // of the release that is watched
    Millis activated_at = 0;
    std::string expected_task;  // the release that `changed` leads to
    std::vector<std::string> changed;
  };
  void follow(const Role& role, const Release& release, Tree& tree, Touched& touched);

  mutable std::mutex mutex_;
  std::map<std::string, Tree> trees_;
  TreeWatch watch_;
};

}  // namespace rolesync::agent
