// SPDX-License-Identifier: Apache-2.0
#include "host/activation/live_tree.hpp"

#include <algorithm>
#include <numeric>

#include "host/activation/known_file.hpp"

namespace rolesync {
namespace {

// Opening a file takes as long as reading so many bytes.
constexpr std::uint64_t kCostOfAFile = 8 << 10;

bool is_gone(const Error& error) {
  return error.reason == "enoent" || error.reason == "enotdir";
}

}  // namespace

void LiveTree::start(const MarkerRecord* release, std::string_view saved_cache) {
  release_ = release;
  drift_.clear();
  proven_ = false;
  cache_ =
      release ? StatCache::load(saved_cache, release->release.manifest) : StatCache(Manifest());
}

void LiveTree::moved_on(const MarkerRecord* release, const Manifest& before,
                        const std::vector<Placed>& placed) {
  release_ = release;
  if (!release) return start(nullptr, "");
  cache_ = cache_.rebased(before, release->release.manifest);
  std::erase_if(drift_,
                [&](const auto& item) { return !release->release.manifest.find(item.first); });
  std::vector<const std::string*> paths;
  paths.reserve(placed.size());
  for (const Placed& file : placed) paths.push_back(&file.path);
  const std::int64_t now = fs_.now_ns();
  fs_.stat_below(target_, paths, [&](std::size_t i, const Result<FileStat>& stat) {
    const ManifestEntry* entry = release->release.manifest.find(placed[i].path);
    if (!entry) return;
    const auto index = static_cast<std::size_t>(entry - entries().data());
    drift_.erase(entry->path);
    cache_.forget(index);
    // Only the very file that was hashed is known; a moved file keeps its mtime, not its ctime.
    if (stat && stat->inode == placed[i].staged.inode && stat->size == placed[i].staged.size &&
        stat->mtime_ns == placed[i].staged.mtime_ns) {
      cache_.record(index, *entry, *stat, placed[i].blob_id, now);
    }
  });
}

Result<Proof> LiveTree::prove(bool full) {
  Scope scope;
  scope.full = full;
  if (release_) {
    scope.entries.resize(entries().size());
    std::iota(scope.entries.begin(), scope.entries.end(), 0U);
    drift_.clear();
  }
  Result<Proof> proof = prove_scope(scope);
  proven_ = proof.ok();
  return proof;
}

Result<Proof> LiveTree::prove_paths(const std::vector<std::string>& paths) {
  if (!proven_ || !release_) return prove(false);
  Scope scope;
  for (const std::string& path : paths) {
    if (path.empty() || path == ".") return prove(false);
    // Names like "a.b" sort between "a" and "a/b", so the two ranges are looked up apart.
    const auto from = [&](const std::string& text) {
      const auto at = std::lower_bound(entries().begin(), entries().end(), text,
                                       [](const ManifestEntry& entry, const std::string& wanted) {
                                         return entry.path < wanted;
                                       });
      return static_cast<std::size_t>(at - entries().begin());
    };
    const std::size_t self = from(path);
    if (self < entries().size() && entries()[self].path == path) scope.entries.push_back(self);
    const std::string below = path + "/";
    for (std::size_t i = from(below); i < entries().size() && entries()[i].path.starts_with(below);
         ++i) {
      scope.entries.push_back(i);
    }
  }
  std::sort(scope.entries.begin(), scope.entries.end());
  scope.entries.erase(std::unique(scope.entries.begin(), scope.entries.end()), scope.entries.end());
  return prove_scope(scope);
}

Result<std::size_t> LiveTree::reread(std::size_t first, std::uint64_t bytes) {
  Scope scope;
  scope.full = true;
  const std::size_t all = release_ ? entries().size() : 0;
  std::size_t next = first;
  for (std::uint64_t sum = 0; next < all && (next == first || sum < bytes); ++next) {
    scope.entries.push_back(next);
    sum += entries()[next].size + kCostOfAFile;
  }
  if (scope.entries.empty()) return all;
  const Result<Proof> proof = prove_scope(scope);
  return proof ? Result<std::size_t>(next) : proof.error();
}

Result<Proof> LiveTree::prove_scope(const Scope& scope) {
  const std::int64_t now = fs_.now_ns();
  Proof proof;
  proof.verified_at = now / 1'000'000;
  proof.files = scope.entries.size();
  if (!release_) return proof;
  std::vector<const std::string*> paths;
  paths.reserve(scope.entries.size());
  for (const std::size_t index : scope.entries) paths.push_back(&entries()[index].path);

  Status status;
  std::vector<std::pair<std::size_t, FileStat>> unread;
  fs_.stat_below(target_, paths, [&](std::size_t i, const Result<FileStat>& stat) {
    if (!status) return;
    const Result<bool> read = must_read(scope.entries[i], stat, scope.full);
    if (!read) status = read.error();
    if (read && *read) unread.emplace_back(scope.entries[i], *stat);
  });
  for (const auto& [index, stat] : unread) {
    if (!status) break;
    status = read_and_judge(index, stat, now);
  }
  if (!status) return status.error();
  proof.hashed = unread.size();
  for (const auto& [path, kind] : drift_) proof.drift.push_back({path, kind});
  return proof;
}

Result<bool> LiveTree::must_read(std::size_t index, const Result<FileStat>& stat, bool full) {
  const ManifestEntry& entry = entries()[index];
  const std::string& expected = release_->expected_id(entry);
  if (!stat) {
    const bool symlinked_parent = stat.error().reason == "eloop";
    if (!symlinked_parent && !is_gone(stat.error())) return stat.error();
    if (symlinked_parent) {
      note(entry.path, DriftKind::replaced);
    } else if (expected.empty()) {
      note(entry.path, std::nullopt);
    } else {
      note(entry.path, DriftKind::removed);
    }
    return false;
  }
  if (expected.empty()) {
    note(entry.path, DriftKind::added);
    return false;
  }
  const auto mode = mode_of(*stat);
  if (!mode || (*mode == FileMode::symlink) != (entry.mode == FileMode::symlink)) {
    note(entry.path, DriftKind::replaced);
    return false;
  }
  if (stat->size != entry.size && expected == entry.blob_id) {
    note(entry.path, DriftKind::changed);
    return false;
  }
  const std::string* id = full ? nullptr : cache_.id_of(index, entry, *stat);
  if (id) judge(entry, *id, *stat);
  return id == nullptr;
}

Status LiveTree::read_and_judge(std::size_t index, const FileStat& stat, std::int64_t now_ns) {
  const ManifestEntry& entry = entries()[index];
  const Result<std::string> id = hash_file(fs_, absolute(entry.path), stat);
  if (!id) {
    cache_.forget(index);  // what cannot be read is not known by its stat
    if (!is_gone(id.error())) return id.error();
    note(entry.path, DriftKind::removed);  // just now
    return {};
  }
  cache_.record(index, entry, stat, *id, now_ns);
  judge(entry, *id, stat);
  return {};
}

void LiveTree::judge(const ManifestEntry& entry, const std::string& id, const FileStat& stat) {
  if (id != release_->expected_id(entry)) {
    note(entry.path, DriftKind::changed);
  } else if (mode_of(stat) != entry.mode) {
    note(entry.path, DriftKind::mode_changed);
  } else {
    note(entry.path, std::nullopt);
  }
}

void LiveTree::note(const std::string& path, std::optional<DriftKind> kind) {
  if (kind) {
    drift_[path] = *kind;
  } else {
    drift_.erase(path);
  }
}

std::optional<std::string> LiveTree::unsaved_cache() {
  if (!release_ || !cache_.worth_saving()) return std::nullopt;
  return cache_.save(release_->release.manifest);
}

}  // namespace rolesync
