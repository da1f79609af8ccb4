// SPDX-License-Identifier: Apache-2.0
// Reading what every commit of a mirror changed.
#include <algorithm>

#include "server/source/mirror.hpp"

namespace rolesync::source {
namespace {

const std::string no_tree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";  // git's empty tree
constexpr std::size_t commits_per_call = 256;

struct KnownCommit {
  std::string id, tree;
};

Error unreadable() {
  return {ErrorKind::failed, "git_failed", "git diff-tree answered in a form we do not know"};
}

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = std::min(text.find(end), text.size());
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return part;
}

// ":<old mode> <new mode> <old id> <new id> <letter>" NUL path NUL
Result<TreeChange> take_change(std::string_view& text) {
  std::string_view facts = take_until(text, '\0');
  facts.remove_prefix(1);
  (void)take_until(facts, ' ');
  TreeChange change;
  change.mode = take_until(facts, ' ');
  (void)take_until(facts, ' ');
  change.id = take_until(facts, ' ');
  change.path = take_until(text, '\0');
  if (change.mode.size() != 6 || change.path.empty()) return unreadable();
  if (change.mode == "000000") change.mode.clear(), change.id.clear();
  return change;
}

// For every pair of trees a line with both, and then what differs.
Status read_changes(std::string_view text, const std::vector<KnownCommit>& commits,
                    std::size_t first, const Mirror::HistorySink& sink) {
  std::size_t next = first;
  while (!text.empty()) {
    if (text.front() != ':') {
      const std::string_view line = take_until(text, '\n');
      if (next == commits.size() || !line.ends_with(commits[next].tree)) return unreadable();
      sink.commit(commits[next++].id);
      continue;
    }
    const auto change = take_change(text);
    if (!change) return change.error();
    if (next == first) return unreadable();
    sink.change(*change);
  }
  return {};
}

}  // namespace

Status Mirror::history(const std::vector<std::string>& paths, std::size_t most,
                       const HistorySink& sink) const {
  const auto list = run_git(call({"log", "--all", "--date-order", "--no-show-signature",
                                  "--max-count=" + std::to_string(most), "--format=%H %T"}));
  if (!list) return list.error();
  std::vector<KnownCommit> commits;
  for (std::string_view text = *list; !text.empty();) {
    std::string_view line = take_until(text, '\n');
    const std::string_view id = take_until(line, ' ');
    commits.push_back({std::string(id), std::string(line)});
  }
  std::vector<std::string> arguments = {"diff-tree", "--stdin",      "-r",           "-z",
                                        "--raw",     "--no-renames", "--full-index", "--"};
  for (const std::string& path : paths) arguments.push_back(":(literal)" + path);
  for (std::size_t first = 0; first < commits.size(); first += commits_per_call) {
    GitCall differing = call(arguments);
    const std::size_t end = std::min(first + commits_per_call, commits.size());
    for (std::size_t i = first; i < end; ++i) {
      differing.input += (i == 0 ? no_tree : commits[i - 1].tree) + " " + commits[i].tree + "\n";
    }
    const auto text = run_git(differing);
    if (!text) return text.error();
    if (Status read = read_changes(*text, commits, first, sink); !read) return read;
  }
  return {};
}

}  // namespace rolesync::source
