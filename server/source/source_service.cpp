// SPDX-License-Identifier: Apache-2.0
#include "server/source/source_service.hpp"

#include <algorithm>
#include <chrono>

#include "host/role/role_paths.hpp"
#include "server/source/role_tree.hpp"
#include "server/store/contents.hpp"

namespace rolesync::source {
namespace {

namespace fs = std::filesystem;

Millis now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

constexpr std::ptrdiff_t verified_commits = 20;  // of one fetch, beside the head

// A head that is not accepted leaves the one before in its place.
Status note_head(store::Session& session, const store::CodeSource& source, const std::string& head,
                 const Status& accepted, Millis now) {
  const std::string reason = accepted ? "" : accepted.error().reason;
  const std::string message = accepted ? "" : accepted.error().message;
  const Status marked = store::set_commit_refused(session, source.name, head, reason, message);
  if (!marked && marked.error().kind != ErrorKind::not_found) return marked;
  if (accepted) return store::set_source_head(session, source.name, head, now);
  return store::set_source_state(session, source.name, "failed", reason, message, now);
}

bool has_files(const Role& role) {
  return !role.source_paths.empty() && !role.target_path.empty();
}

bool is_below(const fs::path& root, const fs::path& path) {
  const auto [end, rest] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return end == root.end() || (std::next(end) == root.end() && end->empty());
}

}  // namespace

Result<std::unique_ptr<SourceService>> SourceService::open(SourceOptions options,
                                                           store::Store& store) {
  auto cache = BlobCache::open(options.state_dir / "cache");
  if (!cache) return cache.error();
  // Beside the blobs, because hard links need the same file system.
  auto offers = Offers::open(options.state_dir / "cache" / "offers", **cache);
  if (!offers) return offers.error();
  auto signatures = CommitSignatures::open(options.state_dir / "private" / "signers");
  if (!signatures) return signatures.error();
  auto service = std::unique_ptr<SourceService>(new SourceService(std::move(options), store));
  service->cache_ = std::move(*cache);
  service->offers_ = std::move(*offers);
  service->signatures_ = std::move(*signatures);
  service->updates_ = std::make_unique<Updates>(*service->cache_);
  return service;
}

Result<std::shared_ptr<Mirror>> SourceService::open_mirror(const std::string& source) {
  const std::lock_guard lock(mirrors_mutex_);
  auto& known = mirrors_[source];
  if (!known) {
    auto opened = Mirror::open(options_.state_dir / "mirrors", source);
    if (!opened) return opened.error();
    known = std::move(*opened);
  }
  return known;
}

Result<std::shared_ptr<Mirror>> SourceService::mirror(const std::string& source) {
  std::error_code problem;
  const bool valid = source.find('/') == std::string::npos;
  if (!valid || !fs::exists(options_.state_dir / "mirrors" / (source + ".git"), problem)) {
    return Error{ErrorKind::not_found, "unknown_source",
                 "nothing was fetched from a code source \"" + source + "\" yet",
                 "set it with `rolesync source set` and pull it"};
  }
  return open_mirror(source);
}

void SourceService::tidy(const std::string& source, const CancelFlag* cancelled) {
  if (const auto found = mirror(source)) (*found)->tidy(cancelled);
}

// Symlinks are resolved first: what counts is where the repository really is.
Status SourceService::check_allowed(const fs::path& repository) const {
  std::error_code problem;
  const fs::path real = fs::canonical(repository, problem);
  if (problem) {
    return Error{ErrorKind::not_found, "repository_missing",
                 "there is no repository at " + repository.string() + ": " + problem.message(),
                 "check the path on the server"};
  }
  for (const fs::path& root : options_.allowed_paths) {
    const fs::path real_root = fs::canonical(root, problem);
    if (!problem && is_below(real_root, real)) return {};
  }
  return Error{ErrorKind::denied, "repository_not_allowed",
               "the server's config does not allow to read " + repository.string(),
               "add its directory to the allowed repository paths in server.toml"};
}

Result<BranchMove> SourceService::pull_file(const store::CodeSource& source,
                                            const CancelFlag* cancelled) {
  if (const Status allowed = check_allowed(source.repository); !allowed) {
    return finish_pull(source, allowed.error());
  }
  const auto mirror = open_mirror(source.name);
  if (!mirror) return mirror.error();
  return finish_pull(source, (*mirror)->fetch_path(source.repository, source.branch, cancelled));
}

Result<BranchMove> SourceService::pull_stream(const store::CodeSource& source, int descriptor,
                                              const CancelFlag* cancelled) {
  const auto mirror = open_mirror(source.name);
  if (!mirror) return mirror.error();
  return finish_pull(
      source, (*mirror)->fetch_connection(descriptor, options_.bridge, source.branch, cancelled));
}

Result<BranchMove> SourceService::finish_pull(const store::CodeSource& source,
                                              Result<BranchMove> move) {
  if (move) {
    const Status noted = note_move(source, *move);
    return noted ? std::move(move) : Result<BranchMove>(noted.error());
  }
  const Error& error = move.error();
  const Status noted = store_.write([&](store::Session& session) {
    return store::set_source_state(session, source.name, "failed", error.reason, error.message,
                                   now_ms());
  });
  return noted ? std::move(move) : Result<BranchMove>(noted.error());
}

Status SourceService::accepts(const store::CodeSource& source, const std::string& commit) {
  if (!source.require_signed) return {};
  const auto from = mirror(source.name);
  if (!from) return from.error();
  return signatures_->verify((*from)->path(), commit, {source.allowed_signers, source.gpg_keys});
}

Status SourceService::note_move(const store::CodeSource& source, const BranchMove& move) {
  const Millis now = now_ms();
  const Status head = move.new_head.empty() ? Status{} : accepts(source, move.new_head);
  std::vector<store::CommitRecord> commits;
  for (const GitCommit& commit : move.commits) {
    store::CommitRecord record;
    record.source = source.name;
    record.commit = commit.id;
    record.parents = commit.parents;
    record.author = commit.author;
    record.message = commit.message;
    record.committed_at = commit.committed_at;
    record.received_at = now;
    // Of many, only the newest are looked at one by one: each costs a process.
    const bool looked_at = &move.commits.back() - &commit < verified_commits;
    if (const Status accepted = looked_at ? accepts(source, commit.id) : Status{}; !accepted) {
      record.refused_reason = accepted.error().reason;
      record.refused_message = accepted.error().message;
    }
    commits.push_back(std::move(record));
  }
  const Status written = store_.write([&](store::Session& session) -> Status {
    if (const auto added = store::add_commits(session, commits); !added) return added.error();
    if (move.new_head.empty()) {
      return store::set_source_state(session, source.name, "failed", "branch_missing",
                                     "the repository has no branch \"" + source.branch + "\"", now);
    }
    return note_head(session, source, move.new_head, head, now);
  });
  return written ? head : written;
}

Result<std::optional<std::string>> SourceService::known_content(const std::string& source,
                                                                const std::string& commit,
                                                                const Role& role) {
  return store_.read([&](store::Session& session) {
    return store::find_role_content(session, source, commit, role.name, role_revision(role));
  });
}

Result<RoleContents> SourceService::contents(const std::string& source, const std::string& commit,
                                             const std::vector<Role>& roles) {
  RoleContents contents;
  std::vector<const Role*> unknown;
  for (const Role& role : roles) {
    if (!has_files(role)) continue;
    const auto known = known_content(source, commit, role);
    if (!known) return known.error();
    auto cached = *known ? cache_->manifest(**known)
                         : Result<Manifest>(Error{ErrorKind::not_found, "unknown_content", ""});
    if (cached) {
      contents.emplace(role.name, RoleContent{**known, std::move(*cached)});
    } else {
      unknown.push_back(&role);
    }
  }
  if (unknown.empty()) return contents;
  const auto from = mirror(source);
  if (!from) return from.error();
  const auto tree = (*from)->tree(commit);
  if (!tree) return tree.error();
  for (const Role* role : unknown) {
    auto manifest = role_manifest(*tree, *role);
    if (manifest) {
      std::string id = manifest->content_id();
      contents.emplace(role->name, RoleContent{std::move(id), std::move(*manifest)});
    } else {
      contents.emplace(role->name, manifest.error());
    }
  }
  return contents;
}

Result<RoleContents> SourceService::import(const std::string& source, const std::string& commit,
                                           const std::vector<Role>& roles) {
  const auto known =
      store_.read([&](store::Session& session) { return store::find_source(session, source); });
  if (!known) return known.error();
  if (const Status accepted = accepts(*known, commit); !accepted) return accepted.error();
  auto found = contents(source, commit, roles);
  if (!found || found->empty()) return found;
  const auto from = mirror(source);
  if (!from) return from.error();
  std::vector<BlobCache::Lease> leases;  // until the store knows that they are live
  for (auto& [role, content] : *found) {
    if (!content) continue;
    leases.push_back(cache_->lease(content->content_id));
    const Status imported = cache_->import(content->manifest, **from);
    if (!imported) return imported.error();
  }
  const Status noted = note_contents(source, commit, roles, *found);
  if (!noted) return noted.error();
  return found;
}

Status SourceService::note_contents(const std::string& source, const std::string& commit,
                                    const std::vector<Role>& roles, const RoleContents& contents) {
  struct News {
    store::Content content;
    store::RoleContentRecord record;
  };
  std::vector<News> news;
  for (const Role& role : roles) {
    const auto found = contents.find(role.name);
    if (found == contents.end() || !found->second) continue;
    const auto known = known_content(source, commit, role);
    if (!known) return known.error();
    if (*known) continue;
    const Manifest& manifest = found->second->manifest;
    const std::string& id = found->second->content_id;
    news.push_back({{id, manifest.entries().size(), manifest.total_bytes(), now_ms()},
                    {source, commit, role.name, role_revision(role), id}});
  }
  if (news.empty()) return {};
  return store_.write([&](store::Session& session) -> Status {
    for (const News& item : news) {
      if (Status added = store::add_content(session, item.content); !added) return added;
      if (Status added = store::add_role_content(session, item.record); !added) return added;
    }
    return {};
  });
}

Result<std::vector<std::string>> SourceService::affected_roles(const std::string& source,
                                                               const std::string& from,
                                                               const std::string& to,
                                                               const std::vector<Role>& roles) {
  const auto mirrored = mirror(source);
  if (!mirrored) return mirrored.error();
  const auto paths = (*mirrored)->changed_paths(from, to);
  if (!paths) return paths.error();
  std::vector<std::string> affected;
  for (const Role& role : roles) {
    if (!has_files(role)) continue;
    const bool touched = std::any_of(paths->begin(), paths->end(), [&](const std::string& path) {
      return target_of(role, path).has_value();
    });
    if (touched) affected.push_back(role.name);
  }
  return affected;
}

Result<std::shared_ptr<const Offer>> SourceService::offer(const std::string& source,
                                                          const std::string& content_id,
                                                          const std::vector<std::string>& wanted) {
  auto made = offers_->make(content_id, wanted);
  if (made) return made;
  // Making the offer removed the corrupt blobs up to the first one only; each turn finds the next.
  for (std::size_t turn = 0; turn < wanted.size(); ++turn) {
    const std::string& reason = made.error().reason;
    if (reason != "blob_corrupt" && reason != "blob_missing") return made;
    const auto lost = cache_->manifest(content_id);
    const auto from = mirror(source);
    if (!lost || !from) return made;
    if (const Status again = cache_->import(*lost, **from); !again) return again.error();
    made = offers_->make(content_id, wanted);
    if (made) return made;
  }
  return made;
}

Result<std::shared_ptr<const Manifest>> SourceService::manifest(const std::string& content_id) {
  {
    const std::lock_guard lock(manifests_mutex_);
    for (const auto& kept : manifests_) {
      if (kept->content_id() == content_id) return kept;
    }
  }
  auto read = cache_->manifest(content_id);
  if (!read) return read.error();
  auto manifest = std::make_shared<const Manifest>(std::move(*read));
  const std::lock_guard lock(manifests_mutex_);
  manifests_.push_front(manifest);
  if (manifests_.size() > manifests_kept_) manifests_.pop_back();
  return manifest;
}

Result<BlobCache::Collected> SourceService::collect() {
  // A plan that was made a while ago is worked out again before it runs; that brings back its
  // bytes.
  constexpr Millis day = Millis{24} * 3'600'000;
  const auto live =
      store_.read([](store::Session& s) { return store::live_contents(s, now_ms() - day); });
  if (!live) return live.error();
  auto collected = cache_->collect({live->begin(), live->end()}, options_.cache_limit_bytes);
  if (!collected || collected->contents.empty()) return collected;
  {
    const std::lock_guard lock(manifests_mutex_);
    manifests_.clear();
  }
  const Status forgotten = store_.write([&](store::Session& session) {
    return store::forget_contents(session, collected->contents);
  });
  if (!forgotten) return forgotten.error();
  return collected;
}

}  // namespace rolesync::source
