// SPDX-License-Identifier: Apache-2.0
// Which commit a tree on some disk is nearest to, and how it differs: for trees that somebody else
// deployed. Pure; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/activation/manifest.hpp"

namespace rolesync::domain {

// What a role consisted of at every known commit, as the way from each commit to the one before it:
// costs what the commits changed, not what they contain. Built newest first.
class RoleHistory {
 public:
  void begin_commit(std::string id);
  // From the commit begun before this one to this one; the first one starts from nothing.
  void placed(const std::string& path, FileMode mode, const std::string& blob_id);
  void removed(const std::string& path);

  bool empty() const { return commits_.empty(); }
  std::size_t commits() const { return commits_.size(); }
  // Every path that ever belonged to the role, sorted.
  std::vector<std::string> paths() const;

 private:
  friend class NearestSearch;
  struct File {
    FileMode mode = FileMode::regular;
    std::string blob_id;  // empty: nothing
  };
  struct Change {
    std::uint32_t path, file;
  };
  struct Commit {
    std::string id;
    std::vector<Change> changes;
  };
  std::uint32_t path_index(const std::string& path);

  std::vector<std::string> paths_;
  std::unordered_map<std::string, std::uint32_t> path_indexes_;
  std::vector<File> files_{File{}};
  std::unordered_map<std::string, std::uint32_t> file_indexes_;
  std::vector<Commit> commits_;
};

// How a file on the disk differs from the nearest commit:
//   changed   it is as another known commit has it
//   edited    no known commit has it so
//   mode_changed, missing
//   ghost     the commit has no such file, but another known commit has exactly this one
struct Difference {
  std::string path, kind;
  bool operator==(const Difference&) const = default;
};

struct Nearest {
  std::string commit;
  std::size_t same = 0;                 // files that are as in that commit
  std::vector<Difference> differences;  // by path; ghosts too
  std::vector<ManifestEntry> ghosts;    // as found
  std::size_t strangers = 0;            // at paths of other commits, with bytes that no commit has
};

// `found` has what lies at the history's paths. The commit with the fewest files that differ (to
// either side); of several the newest. `commit`: this one, whatever the others are. Nothing: no
// file is as any commit (or as that commit) has it, or there is no such commit.
std::optional<Nearest> nearest_commit(const RoleHistory& history, const Manifest& found,
                                      const std::string& commit = "");

// The manifest to adopt such a tree by: the commit's files, and the ghosts, which the repository
// has put there too and which the next release must therefore remove.
Result<Manifest> with_ghosts(const Manifest& commit, const std::vector<ManifestEntry>& ghosts);

}  // namespace rolesync::domain
