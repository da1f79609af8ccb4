// SPDX-License-Identifier: Apache-2.0
// From a repository to contents a node can get: fetch, commits, manifest per role, cached bytes.
// Brings mirror, cache and store together. Any thread; fetches of one source wait for each other.
#pragma once
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/role/role.hpp"
#include "server/source/blob_cache.hpp"
#include "server/source/commit_signatures.hpp"
#include "server/source/mirror.hpp"
#include "server/source/offers.hpp"
#include "server/source/updates.hpp"
#include "server/store/sources.hpp"
#include "server/store/store.hpp"

namespace rolesync::source {

struct SourceOptions {
  std::filesystem::path state_dir;  // mirrors/, cache/ and offers/ are made in it
  std::filesystem::path bridge;     // rolesync-plugin-host
  // Roots below which repositories may be read with transport file; none: that transport is off.
  std::vector<std::filesystem::path> allowed_paths;
  std::uint64_t cache_limit_bytes = std::uint64_t{20} << 30;
};

struct RoleContent {
  std::string content_id;
  Manifest manifest;
};

// Per role name: its content, or why it cannot be delivered. Roles without source paths or without
// a target (code-source) are left out.
using RoleContents = std::map<std::string, Result<RoleContent>>;

class SourceService {
 public:
  static Result<std::unique_ptr<SourceService>> open(SourceOptions options, store::Store& store);

  // Transport file: checks that the path is allowed (denied/repository_not_allowed) and fetches.
  // New commits and the new head are in the store when this returns; a failure is in the source's
  // state. A branch that is gone is BranchMove::deleted: the old head stays in the store, with the
  // state failed/branch_missing. A head whose signature the source does not accept is told as
  // conflict/commit_unsigned or conflict/commit_signature_refused; it stays in the list of commits
  // with that reason, and the old head stays the newest.
  Result<BranchMove> pull_file(const store::CodeSource& source,
                               const CancelFlag* cancelled = nullptr);
  // Transport agent: `descriptor` is the stream on which the agent runs `git upload-pack`; it stays
  // the caller's.
  Result<BranchMove> pull_stream(const store::CodeSource& source, int descriptor,
                                 const CancelFlag* cancelled = nullptr);

  // Contents at a commit, with all their bytes in the cache. One role that cannot be imported (a
  // submodule in its path) does not stop the others. What is known and cached costs no git. A
  // commit whose signature the source does not accept is never imported.
  Result<RoleContents> import(const std::string& source, const std::string& commit,
                              const std::vector<Role>& roles);
  // As import, but without bringing bytes into the cache: what a plan needs.
  Result<RoleContents> contents(const std::string& source, const std::string& commit,
                                const std::vector<Role>& roles);
  // The roles with files that differ between two commits, in the order of `roles`; `from` empty:
  // the roles that have files at `to`.
  Result<std::vector<std::string>> affected_roles(const std::string& source,
                                                  const std::string& from, const std::string& to,
                                                  const std::vector<Role>& roles);

  // As Offers::make, but a blob that is missing or corrupt in the cache is brought back from the
  // source's mirror first.
  Result<std::shared_ptr<const Offer>> offer(const std::string& source,
                                             const std::string& content_id,
                                             const std::vector<std::string>& wanted);

  // Those asked for last are kept in memory. Error: not_found/unknown_content.
  Result<std::shared_ptr<const Manifest>> manifest(const std::string& content_id);
  // not_found/unknown_source when nothing was ever fetched from it.
  Result<std::shared_ptr<Mirror>> mirror(const std::string& source);
  // Housekeeping in its mirror after a pull has been answered.
  void tidy(const std::string& source, const CancelFlag* cancelled);
  BlobCache& cache() { return *cache_; }
  Offers& offers() { return *offers_; }
  Updates& updates() { return *updates_; }
  CommitSignatures& signatures() { return *signatures_; }

  // Removes what the store says is not live when the cache is over its limit; to be called now and
  // then.
  Result<BlobCache::Collected> collect();

 private:
  SourceService(SourceOptions options, store::Store& store)
      : options_(std::move(options)), store_(store) {}
  Result<std::shared_ptr<Mirror>> open_mirror(const std::string& source);
  Status check_allowed(const std::filesystem::path& repository) const;
  Result<BranchMove> finish_pull(const store::CodeSource& source, Result<BranchMove> move);
  Status note_move(const store::CodeSource& source, const BranchMove& move);
  Status accepts(const store::CodeSource& source, const std::string& commit);
  Result<std::optional<std::string>> known_content(const std::string& source,
                                                   const std::string& commit, const Role& role);
  Status note_contents(const std::string& source, const std::string& commit,
                       const std::vector<Role>& roles, const RoleContents& contents);

  const SourceOptions options_;
  store::Store& store_;
  std::unique_ptr<BlobCache> cache_;
  std::unique_ptr<Offers> offers_;
  std::unique_ptr<Updates> updates_;
  std::unique_ptr<CommitSignatures> signatures_;
  static constexpr std::size_t manifests_kept_ = 8;
  std::mutex manifests_mutex_;
  std::deque<std::shared_ptr<const Manifest>> manifests_;  // youngest first
  std::mutex mirrors_mutex_;
  std::map<std::string, std::shared_ptr<Mirror>> mirrors_;
};

}  // namespace rolesync::source
