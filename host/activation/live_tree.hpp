// SPDX-License-Identifier: Apache-2.0
// The managed files under a target as they are on the disk: proofs, and what the last one found.
// Belongs to one Installation; its thread.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/activation/marker_record.hpp"
#include "host/activation/stat_cache.hpp"

namespace rolesync {

using DriftByPath = std::map<std::string, DriftKind>;

class LiveTree {
 public:
  LiveTree(FileSystem& fs, std::string target) : fs_(fs), target_(std::move(target)) {}

  const std::string& target() const { return target_; }
  std::string absolute(const std::string& path) const { return target_ + "/" + path; }

  // What follows is about this release (nullptr: nothing is installed); `saved_cache` may be "".
  void start(const MarkerRecord* release, std::string_view saved_cache);
  // The switch from the release known so far to `release` is done: `placed` are the new files with
  // the stat their staged file had when it was hashed.
  struct Placed {
    std::string path;
    std::string blob_id;
    FileStat staged;
  };
  void moved_on(const MarkerRecord* release, const Manifest& before,
                const std::vector<Placed>& placed);
  // The same release, but other expectations (rewritten files).
  void expectations_changed(const MarkerRecord* release) { release_ = release; }

  // The tree may have changed in ways that nobody told us: the next Look::trust looks again.
  void doubt() { proven_ = false; }

  Result<Proof> prove(bool full);
  Result<Proof> prove_paths(const std::vector<std::string>& paths);
  // Reads the files from the first-th on until so many bytes were read; the index of the next.
  Result<std::size_t> reread(std::size_t first, std::uint64_t bytes);

  bool proven() const { return proven_; }
  const DriftByPath& drift() const { return drift_; }
  // The new text of the cache when it is worth writing.
  std::optional<std::string> unsaved_cache();

 private:
  struct Scope {
    std::vector<std::size_t> entries;
    bool full = false;
  };
  Result<Proof> prove_scope(const Scope& scope);
  // Judges by stat alone where that is enough; true when the file must be read.
  Result<bool> must_read(std::size_t index, const Result<FileStat>& stat, bool full);
  Status read_and_judge(std::size_t index, const FileStat& stat, std::int64_t now_ns);
  void judge(const ManifestEntry& entry, const std::string& id, const FileStat& stat);
  void note(const std::string& path, std::optional<DriftKind> kind);
  const std::vector<ManifestEntry>& entries() const { return release_->release.manifest.entries(); }

  FileSystem& fs_;
  const std::string target_;
  const MarkerRecord* release_ = nullptr;
  StatCache cache_{Manifest()};
  DriftByPath drift_;
  bool proven_ = false;
};

}  // namespace rolesync
