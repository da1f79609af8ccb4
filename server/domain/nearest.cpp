// SPDX-License-Identifier: Apache-2.0
#include "server/domain/nearest.hpp"

#include <algorithm>

namespace rolesync::domain {

std::uint32_t RoleHistory::path_index(const std::string& path) {
  const auto [at, is_new] =
      path_indexes_.try_emplace(path, static_cast<std::uint32_t>(paths_.size()));
  if (is_new) paths_.push_back(path);
  return at->second;
}

void RoleHistory::begin_commit(std::string id) {
  commits_.push_back({std::move(id), {}});
}

void RoleHistory::placed(const std::string& path, FileMode mode, const std::string& blob_id) {
  const auto [at, is_new] = file_indexes_.try_emplace(
      std::string(rolesync::to_text(mode)) + blob_id, static_cast<std::uint32_t>(files_.size()));
  if (is_new) files_.push_back({mode, blob_id});
  commits_.back().changes.push_back({path_index(path), at->second});
}

void RoleHistory::removed(const std::string& path) {
  commits_.back().changes.push_back({path_index(path), 0});
}

std::vector<std::string> RoleHistory::paths() const {
  std::vector<std::string> sorted = paths_;
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// Walks through the history with the tree of one commit at a time, and counts what differs.
class NearestSearch {
 public:
  NearestSearch(const RoleHistory& history, const Manifest& found)
      : history_(history), found_(history.paths_.size()), tree_(history.paths_.size()) {
    for (const ManifestEntry& entry : found.entries()) {
      const auto at = history.path_indexes_.find(entry.path);
      if (at != history.path_indexes_.end()) found_[at->second] = &entry;
    }
    for (const ManifestEntry* entry : found_) differing_ += entry != nullptr;
  }

  // The number of the best commit.
  std::optional<std::size_t> search(const std::string& wanted) {
    std::optional<std::size_t> best;
    std::size_t fewest = 0;
    for (std::size_t i = 0; i < history_.commits_.size(); ++i) {
      step(i);
      if (!wanted.empty() && history_.commits_[i].id != wanted) continue;
      if (same_ == 0 || (best && differing_ >= fewest)) continue;
      best = i;
      fewest = differing_;
    }
    return best;
  }

  Nearest describe(std::size_t commit) {
    std::fill(tree_.begin(), tree_.end(), 0);
    for (std::size_t i = 0; i <= commit; ++i) step(i);
    Nearest nearest;
    nearest.commit = history_.commits_[commit].id;
    const std::vector<bool> known = versions_of_commits();
    for (std::uint32_t path = 0; path < tree_.size(); ++path) {
      describe_path(path, known[path], nearest);
    }
    std::sort(nearest.differences.begin(), nearest.differences.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    return nearest;
  }

 private:
  using File = RoleHistory::File;

  const File& expected(std::uint32_t path) const { return history_.files_[tree_[path]]; }
  bool is_same(std::uint32_t path) const {
    const File& file = expected(path);
    return found_[path] && found_[path]->mode == file.mode && found_[path]->blob_id == file.blob_id;
  }
  bool differs(std::uint32_t path) const {
    return (found_[path] || tree_[path] != 0) && !is_same(path);
  }

  void step(std::size_t commit) {
    for (const auto& change : history_.commits_[commit].changes) {
      differing_ -= differs(change.path);
      same_ -= is_same(change.path);
      tree_[change.path] = change.file;
      differing_ += differs(change.path);
      same_ += is_same(change.path);
    }
  }

  // By path: whether some commit has the bytes that were found there.
  std::vector<bool> versions_of_commits() const {
    std::vector<bool> known(tree_.size());
    for (const auto& commit : history_.commits_) {
      for (const auto& change : commit.changes) {
        const ManifestEntry* found = found_[change.path];
        if (found && history_.files_[change.file].blob_id == found->blob_id) {
          known[change.path] = true;
        }
      }
    }
    return known;
  }

  void describe_path(std::uint32_t path, bool known, Nearest& nearest) const {
    const ManifestEntry* found = found_[path];
    if (!differs(path)) {
      nearest.same += found != nullptr;
      return;
    }
    const File& file = expected(path);
    const char* kind = !found                           ? "missing"
                       : file.blob_id == found->blob_id ? "mode_changed"
                       : file.blob_id.empty()           ? "ghost"
                       : known                          ? "changed"
                                                        : "edited";
    if (file.blob_id.empty() && !known) {
      ++nearest.strangers;
      return;
    }
    if (file.blob_id.empty()) nearest.ghosts.push_back(*found);
    nearest.differences.push_back({history_.paths_[path], kind});
  }

  const RoleHistory& history_;
  std::vector<const ManifestEntry*> found_;  // by number of the path
  std::vector<std::uint32_t> tree_;          // of the commit we stand at
  std::size_t differing_ = 0, same_ = 0;
};

std::optional<Nearest> nearest_commit(const RoleHistory& history, const Manifest& found,
                                      const std::string& commit) {
  NearestSearch search(history, found);
  const auto best = search.search(commit);
  if (!best) return std::nullopt;
  return search.describe(*best);
}

namespace {

// A file of the commit where this one needs a directory, or the other way round.
bool collides(const Manifest& manifest, const std::string& path) {
  if (manifest.find(path) || manifest.has_below(path)) return true;
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    if (manifest.find(std::string_view(path).substr(0, slash))) return true;
  }
  return false;
}

}  // namespace

Result<Manifest> with_ghosts(const Manifest& commit, const std::vector<ManifestEntry>& ghosts) {
  std::vector<ManifestEntry> entries = commit.entries();
  for (const ManifestEntry& ghost : ghosts) {
    if (!collides(commit, ghost.path)) entries.push_back(ghost);
  }
  return Manifest::from_entries(std::move(entries));
}

}  // namespace rolesync::domain
