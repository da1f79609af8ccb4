// SPDX-License-Identifier: Apache-2.0
// The directory where the next release's files wait: names are blob ids as a deployer brings them,
// or slots made from them. Belongs to one Installation; its thread.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "host/activation/journal.hpp"
#include "host/activation/live_tree.hpp"
#include "host/activation/owner.hpp"
#include "host/activation/state_directory.hpp"

namespace rolesync {

class Staging {
 public:
  Staging(FileSystem& fs, const StateDirectory& state) : fs_(fs), state_(state) {}

  // Where a blob may be taken from on this node besides staging/ and kept/: absolute paths by id.
  using LiveFiles = std::map<std::string, std::string>;

  // Brings what this node has of `wanted` (one entry per blob) into staging; returns the rest.
  // Every byte is hashed; what turns out to be something else is dropped.
  Result<std::vector<ManifestEntry>> supply(const std::vector<ManifestEntry>& wanted,
                                            const LiveFiles& live);

  // Gives every step that places a file its slot: hashed, with its mode and owner, durable.
  // `keep` names paths whose blob is to stay in kept/ too. `next` has the entries.
  struct Order {
    const Manifest& next;
    const Owner& owner;
    const std::map<std::string, std::string>& keep;
  };
  Status prepare(std::vector<SwitchStep>& steps, const Order& order);

  // The stat that the file of a step's slot had when it was hashed; only where no later write could
  // hide behind it.
  const std::map<std::string, FileStat>& hashed() const { return hashed_; }
  // True while every slot is as prepare() left it.
  bool still_prepared() const;

  // Removes everything, for the next release to start clean.
  Status clear();

 private:
  Result<bool> holds(const std::string& slot, const ManifestEntry& entry);
  Result<bool> bring(const ManifestEntry& entry, const std::string& source);
  Result<bool> bring_kept(const ManifestEntry& entry);
  Status prepare_file(SwitchStep& step, const ManifestEntry& entry, const Order& order);
  Status prepare_link(SwitchStep& step, const ManifestEntry& entry, const Order& order);
  Status keep_copy(const ManifestEntry& entry);

  FileSystem& fs_;
  const StateDirectory& state_;
  std::map<std::string, FileStat> hashed_;  // by slot, settled ones
  std::map<std::string, FileStat> stats_;   // by slot, all
  std::map<std::string, int> uses_;         // slots made of a blob
};

}  // namespace rolesync
