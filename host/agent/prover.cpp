// SPDX-License-Identifier: Apache-2.0
#include "host/agent/prover.hpp"

#include <utility>

namespace rolesync::agent {

Prover::Prover(std::function<void(const std::string&)> on_touch) : watch_(std::move(on_touch)) {}

void Prover::switched(const std::string& role, const std::string& task_id,
                      std::vector<std::string> paths) {
  std::lock_guard lock(mutex_);
  trees_[role].expected_task = task_id;
  trees_[role].changed = std::move(paths);
}

bool Prover::watches(const std::string& role) const {
  std::lock_guard lock(mutex_);
  auto tree = trees_.find(role);
  return tree != trees_.end() && tree->second.complete;
}

// Watches what the release consists of, and adds to `touched` what the change of release means.
void Prover::follow(const Role& role, const Release& release, Tree& tree, Touched& touched) {
  const bool same = tree.task_id == release.task_id && tree.activated_at == release.activated_at;
  if (same && !touched.broken && tree.complete) return;
  // Files that are new were not watched under their names: only who switched can name them.
  const bool named = !same && tree.complete && tree.expected_task == release.task_id;
  if (named) touched.paths.insert(tree.changed.begin(), tree.changed.end());
  if (!same && !named) touched.everything = true;
  tree.complete = watch_.watch(role.name, role.target_path, release.manifest);
  tree.task_id = release.task_id;
  tree.activated_at = release.activated_at;
  tree.expected_task.clear();
  tree.changed.clear();
}

Result<Proof> Prover::prove(const Role& role, Installation& installation, Depth depth) {
  const Release* release = installation.current();
  if (!release) {
    watch_.forget(role.name);
    std::lock_guard lock(mutex_);
    trees_.erase(role.name);
    return installation.prove();
  }
  Touched touched;
  bool complete = false;
  {
    std::lock_guard lock(mutex_);
    Tree& tree = trees_[role.name];
    touched = watch_.take_touched(role.name);
    follow(role, *release, tree, touched);
    complete = tree.complete;
  }
  Result<Proof> proof = depth == Depth::needed && complete && !touched.everything
                            ? installation.prove_paths({touched.paths.begin(), touched.paths.end()})
                            : installation.prove(depth == Depth::full);
  if (!proof) {
    // What was taken from the watch has not been looked at: look at everything next time.
    std::lock_guard lock(mutex_);
    trees_[role.name].complete = false;
  }
  return proof;
}

}  // namespace rolesync::agent
