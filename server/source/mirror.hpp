// SPDX-License-Identifier: Apache-2.0
// A bare mirror of one code source: what was fetched, and reading it. A fetch takes the branch as
// it is now, whatever happened to it; commits that were fetched once stay readable, also after a
// force push. Fetches of one mirror run one after the other; reading is for any thread.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/process/child.hpp"
#include "host/values/result.hpp"
#include "host/values/timestamp.hpp"
#include "server/source/git.hpp"

namespace rolesync::source {

struct GitCommit {
  std::string id;
  std::vector<std::string> parents;
  std::string author;   // "Name <address>", UTF-8
  std::string message;  // UTF-8; invalid bytes are replaced by U+FFFD
  Millis committed_at = 0;
};

struct TreeEntry {
  std::string mode;  // "100644", "100755", "120000", "160000", ...
  std::string id;
  std::uint64_t size = 0;  // 0 for a gitlink
  std::string path;        // bytes as git has them
  std::string link;        // what a symlink points to
};

// One file that is another one in the next commit.
struct TreeChange {
  std::string mode, id;  // empty: it is gone
  std::string path;
};

// What a fetch did to the branch.
struct BranchMove {
  enum class Kind { unchanged, created, advanced, rewritten, deleted };
  Kind kind = Kind::unchanged;
  std::string old_head, new_head;  // empty: there was / is no such branch
  std::vector<GitCommit> commits;  // new since old_head, parents first; the newest `limit` of them
  bool truncated = false;          // there were more
};
std::string_view to_word(BranchMove::Kind kind);  // "unchanged", "created", ...

class Mirror {
 public:
  // Opens or makes <directory>/<name>.git. `name` is a checked name.
  static Result<std::unique_ptr<Mirror>> open(const std::filesystem::path& directory,
                                              const std::string& name);

  // From a repository on this machine. The caller has checked that the path is allowed.
  Result<BranchMove> fetch_path(const std::filesystem::path& repository, const std::string& branch,
                                const CancelFlag* cancelled = nullptr);
  // From `git upload-pack` at the other end of a connected descriptor, which stays the caller's.
  // `bridge` is rolesync-plugin-host, which copies between git and the descriptor.
  Result<BranchMove> fetch_connection(int descriptor, const std::filesystem::path& bridge,
                                      const std::string& branch,
                                      const CancelFlag* cancelled = nullptr);

  // Housekeeping, now and then, when nobody waits; a fetch that comes meanwhile waits for it.
  void tidy(const CancelFlag* cancelled = nullptr);
  static constexpr int fetches_between_tidying = 16;

  // The branch as last fetched: not_found/branch_missing when it is not there.
  Result<std::string> head(const std::string& branch) const;
  Result<bool> has_commit(const std::string& commit) const;
  Result<GitCommit> commit(const std::string& commit) const;  // not_found/unknown_commit
  Result<bool> is_ancestor(const std::string& ancestor, const std::string& descendant) const;
  // Every file of the commit, by path, with the targets of symlinks.
  Result<std::vector<TreeEntry>> tree(const std::string& commit) const;
  // The paths that differ between two commits; `from` empty: all paths of `to`.
  Result<std::vector<std::string>> changed_paths(const std::string& from,
                                                 const std::string& to) const;
  // Every commit that was ever fetched (the newest `most` of them), newest first, each with what
  // differs from the one told before it; the first one with all its files. Only below `paths`,
  // unless that is empty.
  struct HistorySink {
    std::function<void(const std::string& commit)> commit;
    std::function<void(const TreeChange& change)> change;
  };
  Status history(const std::vector<std::string>& paths, std::size_t most,
                 const HistorySink& sink) const;
  // The raw bytes of blobs, one git process for all of them, in the order of `ids`. `sink` is
  // called with chunks; `begin` before the first chunk of each. A Status error of theirs ends it.
  struct BlobSink {
    std::function<Status(const std::string& id, std::uint64_t size)> begin;
    std::function<Status(std::string_view chunk)> chunk;
    std::function<Status()> end;
  };
  Status read_blobs(const std::vector<std::string>& ids, const BlobSink& sink) const;

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit Mirror(std::filesystem::path path) : path_(std::move(path)) {}
  GitCall call(std::vector<std::string> arguments) const;
  Result<BranchMove> fetch(GitCall call, const std::string& url, const std::string& branch);
  Result<BranchMove> describe_move(const std::string& old_head, const std::string& new_head) const;
  Status require(const std::string& commit) const;
  Status keep(const std::string& commit) const;
  void remove_stale_locks() const;
  Result<std::vector<GitCommit>> log(std::vector<std::string> selection) const;
  Status read_links(std::vector<TreeEntry>& entries) const;

  std::filesystem::path path_;
  std::mutex fetching_;
  int untidied_ = fetches_between_tidying;  // fetches since; a server that was just started looks
};

}  // namespace rolesync::source
