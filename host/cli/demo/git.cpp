// SPDX-License-Identifier: Apache-2.0
#include "host/cli/demo/git.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "host/process/child.hpp"

namespace rolesync::cli {
namespace {

// The same result on every machine: no configuration of the system or the user.
std::map<std::string, std::string> environment() {
  const char* path = std::getenv("PATH");
  return {{"PATH", path ? path : "/usr/bin:/bin"},
          {"HOME", "/nonexistent"},
          {"LC_ALL", "C.UTF-8"},
          {"GIT_CONFIG_NOSYSTEM", "1"},
          {"GIT_CONFIG_GLOBAL", "/dev/null"},
          {"GIT_TERMINAL_PROMPT", "0"},
          {"GIT_AUTHOR_NAME", "Demo Developer"},
          {"GIT_AUTHOR_EMAIL", "developer@demo.invalid"},
          {"GIT_COMMITTER_NAME", "Demo Developer"},
          {"GIT_COMMITTER_EMAIL", "developer@demo.invalid"}};
}

std::string trimmed_line(std::string text) {
  text.erase(text.find_last_not_of("\r\n") + 1);
  return text;
}

// One record of `ls-tree -r -z`: mode SP type SP id TAB path.
bool read_record(const std::string& record, std::string& path, DemoGit::TreeFile& file) {
  const std::size_t tab = record.find('\t');
  if (tab == std::string::npos || tab < 8) return false;
  file.mode = record.substr(0, 6);
  file.blob = record.substr(record.rfind(' ', tab) + 1, tab - record.rfind(' ', tab) - 1);
  path = record.substr(tab + 1);
  return true;
}

}  // namespace

Result<std::string> DemoGit::run(const std::vector<std::string>& arguments) const {
  ChildSpec spec;
  spec.argv = {"git", "-C", repository_};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.environment = environment();
  spec.output_cap = 16 << 20;
  auto git = run_child(spec);
  if (!git) return git.error();
  if (!git->succeeded())
    return Error{ErrorKind::failed, "git_failed", "git " + arguments.at(0) + ": " + git->explain()};
  return std::move(git->output);
}

Result<std::string> DemoGit::commit_all(const std::string& message) const {
  if (auto added = run({"add", "--all"}); !added) return added.error();
  if (auto made = run({"commit", "--quiet", "--message", message}); !made) return made.error();
  auto head = run({"rev-parse", "HEAD"});
  if (!head) return head.error();
  return trimmed_line(std::move(*head));
}

Result<std::map<std::string, DemoGit::TreeFile>> DemoGit::tree(const std::string& commit,
                                                               const std::string& path) const {
  auto listing = run({"ls-tree", "-r", "-z", "--end-of-options", commit + ":" + path});
  if (!listing) return listing.error();
  std::map<std::string, TreeFile> files;
  for (std::size_t at = 0; at < listing->size();) {
    const std::size_t end = std::min(listing->find('\0', at), listing->size());
    std::string name;
    TreeFile file;
    if (!read_record(listing->substr(at, end - at), name, file))
      return Error{ErrorKind::failed, "git_failed", "git ls-tree wrote something unexpected"};
    files.emplace(std::move(name), std::move(file));
    at = end + 1;
  }
  return files;
}

Result<std::string> DemoGit::blob_of_file(const std::string& file) const {
  auto id = run({"hash-object", "--no-filters", "--", file});
  if (!id) return id.error();
  return trimmed_line(std::move(*id));
}

Result<std::string> difference_on_disk(const DemoGit& git, const std::string& commit,
                                       const std::string& path, const std::string& directory) {
  const auto wanted = git.tree(commit, path);
  if (!wanted) return wanted.error();
  if (wanted->empty()) return std::string("git knows no file below " + path);
  for (const auto& [name, file] : *wanted) {
    const std::string on_disk = (std::filesystem::path(directory) / name).string();
    struct stat info {};
    if (::lstat(on_disk.c_str(), &info) != 0) return name + " is missing";
    if (!S_ISREG(info.st_mode)) return name + " is no regular file";
    if (((info.st_mode & S_IXUSR) != 0) != (file.mode == "100755"))
      return name + " has the wrong executable bit";
    const auto blob = git.blob_of_file(on_disk);
    if (!blob) return blob.error();
    if (*blob != file.blob) return name + " is blob " + *blob + " instead of " + file.blob;
  }
  return std::string();
}

}  // namespace rolesync::cli
