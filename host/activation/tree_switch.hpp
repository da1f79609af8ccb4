// SPDX-License-Identifier: Apache-2.0
// The loop that exchanges staged files with live ones, and its two ways out of an interruption. All
// steps are idempotent. Belongs to one Installation; its thread.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "host/activation/journal.hpp"
#include "host/activation/owner.hpp"
#include "host/activation/state_directory.hpp"

namespace rolesync {

class TreeSwitch {
 public:
  // `root` and `target` are canonical; directories on the way to the target are made as needed.
  TreeSwitch(FileSystem& fs, const StateDirectory& state, std::string root, std::string target,
             Owner owner);

  // Every step, with slots as Staging::prepare() made them.
  Status run(const std::vector<SwitchStep>& steps);
  // The same after an interruption: looks what each step has done already. Fails when a staged file
  // is neither in its slot nor in its place.
  Status resume(const std::vector<SwitchStep>& steps);
  // Back to what was there before; `before` is the manifest of the release that stays.
  Status undo(const std::vector<SwitchStep>& steps, const Manifest& before);

  // Removes directories that cleared paths left empty and that `next` does not need.
  void prune(const std::vector<SwitchStep>& steps, const Manifest& next);
  // Makes all of it durable.
  Status sync();

 private:
  std::string live(const std::string& path) const { return target_ + "/" + path; }
  Status put(const SwitchStep& step);
  Status clear(const SwitchStep& step);
  Status undo_put(const SwitchStep& step, const Manifest& before);
  Status undo_clear(const SwitchStep& step);
  Status make_parents(const std::string& path);
  Status make_one(const std::string& directory);
  void prune_above(const std::string& path, const Manifest& needed);
  void touch_parent(const std::string& absolute);

  FileSystem& fs_;
  const StateDirectory& state_;
  const std::string root_;
  const std::string target_;
  const Owner owner_;
  std::set<std::string> touched_;  // directories to sync
  std::set<std::string> present_;  // directories made or seen by make_parents()
};

}  // namespace rolesync
