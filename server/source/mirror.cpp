// SPDX-License-Identifier: Apache-2.0
// Making, fetching and history; reading trees and blobs is in mirror_objects.cpp.
#include "server/source/mirror.hpp"

#include <cstdlib>
#include <fstream>

#include "host/values/names.hpp"
#include "server/source/text.hpp"

namespace rolesync::source {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t commits_per_move = 500;
constexpr std::size_t longest_message = 16 << 10;

Error bad_name(const char* what, const std::string& text) {
  return {ErrorKind::invalid, std::string("invalid_") + what,
          "\"" + repair_utf8(text) + "\" is not a " + what};
}

// git's ext transport splits at spaces and knows '%' escapes.
std::string ext_argument(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '%')
      out += "%%";
    else if (c == ' ')
      out += "% ";
    else
      out += c;
  }
  return out;
}

std::string quoted_for_config(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::vector<std::string> split_at_nul(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\0', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string tidy_message(std::string message) {
  while (!message.empty() && message.back() == '\n') message.pop_back();
  if (message.size() > longest_message) message = message.substr(0, longest_message) + " ...";
  return repair_utf8(message);
}

}  // namespace

std::string_view to_word(BranchMove::Kind kind) {
  switch (kind) {
    case BranchMove::Kind::unchanged:
      return "unchanged";
    case BranchMove::Kind::created:
      return "created";
    case BranchMove::Kind::advanced:
      return "advanced";
    case BranchMove::Kind::rewritten:
      return "rewritten";
    case BranchMove::Kind::deleted:
      return "deleted";
  }
  return "unchanged";
}

Result<std::unique_ptr<Mirror>> Mirror::open(const fs::path& directory, const std::string& name) {
  if (!is_name(name)) return bad_name("source_name", name);
  std::error_code problem;
  fs::create_directories(directory, problem);
  const fs::path path = fs::absolute(directory / (name + ".git"));
  // Again on an existing one: completes an interrupted first time.
  const auto made =
      run_git({.arguments = {"init", "--quiet", "--bare", "--template=", "--initial-branch=none",
                             "--", path.string()}});
  if (!made) return made.error();
  return std::unique_ptr<Mirror>(new Mirror(path));
}

GitCall Mirror::call(std::vector<std::string> arguments) const {
  GitCall call;
  call.repository = path_;
  call.arguments = std::move(arguments);
  return call;
}

Result<BranchMove> Mirror::fetch_path(const fs::path& repository, const std::string& branch,
                                      const CancelFlag* cancelled) {
  const std::string where = fs::absolute(repository).lexically_normal().string();
  // The repository may belong to somebody else; that this path may be read was decided by the
  // server's config. git takes this setting from a global configuration only.
  GitCall fetching = call({});
  fetching.global_config = path_ / "rolesync-fetch.config";
  const std::lock_guard lock(fetching_);
  {
    std::ofstream config(fetching.global_config, std::ios::trunc);
    config << "[safe]\n\tdirectory = " << quoted_for_config(where)
           << "\n\tdirectory = " << quoted_for_config(where + "/.git") << "\n";
  }
  fetching.allowed_protocol = "file";
  fetching.cancelled = cancelled;
  return fetch(std::move(fetching), where, branch);
}

Result<BranchMove> Mirror::fetch_connection(int descriptor, const fs::path& bridge,
                                            const std::string& branch,
                                            const CancelFlag* cancelled) {
  GitCall fetching = call({});
  fetching.allowed_protocol = "ext";
  fetching.connection_fd = descriptor;
  fetching.cancelled = cancelled;
  const std::lock_guard lock(fetching_);
  return fetch(std::move(fetching), "ext::" + ext_argument(bridge.string()) + " --bridge 3",
               branch);
}

Result<BranchMove> Mirror::fetch(GitCall fetching, const std::string& url,
                                 const std::string& branch) {
  if (!is_branch(branch)) return bad_name("branch", branch);
  remove_stale_locks();
  const std::string ref = "refs/heads/" + branch;
  const auto before = head(branch);
  if (!before && before.error().reason != "branch_missing") return before.error();
  const std::string old_head = before ? *before : "";

  fetching.time_limit = std::chrono::minutes(30);
  fetching.arguments = {"fetch",
                        "--quiet",
                        "--no-tags",
                        "--no-recurse-submodules",
                        "--no-auto-maintenance",
                        "--no-write-fetch-head",
                        "--",
                        url,
                        "+" + ref + ":" + ref};
  if (!old_head.empty()) {
    if (const Status kept = keep(old_head); !kept) return kept.error();
  }
  if (const auto fetched = run_git(fetching); !fetched) {
    if (fetched.error().message.find("couldn't find remote ref") == std::string::npos) {
      return fetched.error();
    }
    const auto removed = run_git(call({"update-ref", "-d", ref}));
    if (!removed) return removed.error();
  }
  ++untidied_;
  const auto after = head(branch);
  if (!after && after.error().reason != "branch_missing") return after.error();
  return describe_move(old_head, after ? *after : "");
}

// Only the newest packs and what is loose are packed together, so that this stays cheap however
// much the mirror holds; nothing ever goes. A failure costs nothing.
void Mirror::tidy(const CancelFlag* cancelled) {
  const std::lock_guard lock(fetching_);
  if (untidied_ < fetches_between_tidying) return;
  untidied_ = 0;
  GitCall packing =
      call({"-c", "core.bigFileThreshold=1m", "repack", "-d", "--quiet", "--geometric=2"});
  packing.cancelled = cancelled;
  packing.time_limit = std::chrono::minutes(10);
  if (run_git(packing)) (void)run_git(call({"pack-refs", "--all"}));
}

// A head that was fetched once stays reachable whatever happens to the branch, so that git's own
// housekeeping never drops a commit that some node may hold.
Status Mirror::keep(const std::string& commit) const {
  const auto kept = run_git(call({"update-ref", "refs/kept/" + commit, commit}));
  return kept ? Status{} : Status{kept.error()};
}

// Nobody but this process works in the mirror, one fetch at a time: a lock file is what a fetch
// left that was killed, and would refuse every later one.
void Mirror::remove_stale_locks() const {
  std::error_code problem;
  std::vector<fs::path> stale;
  for (const auto& entry : fs::directory_iterator(path_, problem)) {
    if (entry.path().extension() == ".lock") stale.push_back(entry.path());
  }
  for (const auto& entry : fs::recursive_directory_iterator(path_ / "refs", problem)) {
    if (entry.path().extension() == ".lock") stale.push_back(entry.path());
  }
  for (const fs::path& path : stale) fs::remove(path, problem);
}

Result<BranchMove> Mirror::describe_move(const std::string& old_head,
                                         const std::string& new_head) const {
  BranchMove move;
  move.old_head = old_head;
  move.new_head = new_head;
  if (old_head == new_head) return move;
  if (new_head.empty()) {
    move.kind = BranchMove::Kind::deleted;
    return move;
  }
  move.kind = BranchMove::Kind::created;
  std::vector<std::string> selection = {"--max-count=" + std::to_string(commits_per_move + 1),
                                        "--end-of-options", new_head};
  if (!old_head.empty()) {
    const auto forward = is_ancestor(old_head, new_head);
    if (!forward) return forward.error();
    move.kind = *forward ? BranchMove::Kind::advanced : BranchMove::Kind::rewritten;
    selection.push_back("^" + old_head);
  }
  auto commits = log(std::move(selection));
  if (!commits) return commits.error();
  move.commits = std::move(*commits);
  move.truncated = move.commits.size() > commits_per_move;
  if (move.truncated) move.commits.erase(move.commits.begin());
  return move;
}

Result<std::string> Mirror::head(const std::string& branch) const {
  if (!is_branch(branch)) return bad_name("branch", branch);
  auto found =
      run_git(call({"for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/" + branch}));
  if (!found) return found.error();
  // for-each-ref also answers with refs below that name.
  const std::size_t space = found->find(' ');
  if (space == std::string::npos || found->substr(space + 1) != "refs/heads/" + branch + "\n") {
    return Error{ErrorKind::not_found, "branch_missing",
                 "the repository has no branch \"" + repair_utf8(branch) + "\"",
                 "push it, or set another branch for the code source"};
  }
  return found->substr(0, space);
}

Result<bool> Mirror::has_commit(const std::string& commit) const {
  if (!is_commit(commit)) return bad_name("commit", commit);
  const auto answer = run_child(git_child(call({"cat-file", "-e", commit + "^{commit}"})));
  if (!answer) return answer.error();
  return answer->succeeded();
}

Status Mirror::require(const std::string& commit) const {
  const auto known = has_commit(commit);
  if (!known) return known.error();
  if (*known) return {};
  return Error{ErrorKind::not_found, "unknown_commit", "the mirror has no commit " + commit,
               "pull the code source first"};
}

Result<bool> Mirror::is_ancestor(const std::string& ancestor, const std::string& descendant) const {
  if (!is_commit(ancestor)) return bad_name("commit", ancestor);
  if (!is_commit(descendant)) return bad_name("commit", descendant);
  const auto answer =
      run_child(git_child(call({"merge-base", "--is-ancestor", ancestor, descendant})));
  if (!answer) return answer.error();
  if (answer->exit_code == 0) return true;
  if (answer->exit_code == 1) return false;
  return Error{ErrorKind::failed, "git_failed", "git merge-base: " + answer->explain()};
}

Result<GitCommit> Mirror::commit(const std::string& commit) const {
  if (const Status known = require(commit); !known) return known.error();
  auto commits = log({"--max-count=1", "--end-of-options", commit});
  if (!commits) return commits.error();
  if (commits->empty()) {
    return Error{ErrorKind::failed, "git_failed", "git log said nothing about " + commit};
  }
  return std::move(commits->front());
}

Result<std::vector<GitCommit>> Mirror::log(std::vector<std::string> selection) const {
  std::vector<std::string> arguments = {"log",
                                        "-z",
                                        "--topo-order",
                                        "--reverse",
                                        "--no-color",
                                        "--no-show-signature",
                                        "--format=tformat:%H%x00%P%x00%an <%ae>%x00%ct%x00%B"};
  arguments.insert(arguments.end(), selection.begin(), selection.end());
  const auto text = run_git(call(std::move(arguments)));
  if (!text) return text.error();
  const std::vector<std::string> fields = split_at_nul(*text);
  constexpr std::size_t per_commit = 5;
  if (fields.size() % per_commit != 0) {
    return Error{ErrorKind::failed, "git_failed", "git log answered in a form we do not know"};
  }
  std::vector<GitCommit> commits;
  for (std::size_t i = 0; i < fields.size(); i += per_commit) {
    GitCommit commit;
    commit.id = fields[i];
    for (std::size_t at = 0; at < fields[i + 1].size(); at += commit.id.size() + 1) {
      commit.parents.push_back(fields[i + 1].substr(at, commit.id.size()));
    }
    commit.author = repair_utf8(fields[i + 2]);
    commit.committed_at = std::strtoll(fields[i + 3].c_str(), nullptr, 10) * 1000;
    commit.message = tidy_message(fields[i + 4]);
    commits.push_back(std::move(commit));
  }
  return commits;
}

}  // namespace rolesync::source
