// SPDX-License-Identifier: Apache-2.0
// A real git repository in a directory of its own, worked on with the git program.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "host/process/child.hpp"

namespace rolesync::source {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rolesync-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

inline ChildResult run(std::vector<std::string> argv, const std::filesystem::path& directory,
                       std::string input = "") {
  ChildSpec spec;
  spec.argv = std::move(argv);
  spec.directory = directory.string();
  spec.input = std::move(input);
  spec.output_cap = 64 << 20;
  spec.environment = {{"PATH", "/usr/bin:/bin"},
                      {"HOME", "/nonexistent"},
                      {"GIT_CONFIG_NOSYSTEM", "1"},
                      {"GIT_AUTHOR_NAME", "Ada Ö"},
                      {"GIT_AUTHOR_EMAIL", "ada@example.org"},
                      {"GIT_COMMITTER_NAME", "Ada Ö"},
                      {"GIT_COMMITTER_EMAIL", "ada@example.org"}};
  const auto result = run_child(spec);
  EXPECT_TRUE(result.ok()) << result.error().text();
  return result.ok() ? *result : ChildResult{};
}

class GitRepository {
 public:
  explicit GitRepository(std::filesystem::path path) : path_(std::move(path)) {
    std::filesystem::create_directories(path_);
    git({"init", "--quiet", "--initial-branch=main"});
  }
  const std::filesystem::path& path() const { return path_; }

  // What git says, without the last newline.
  std::string git(std::vector<std::string> arguments, std::string input = "") const {
    arguments.insert(arguments.begin(), "git");
    const ChildResult result = run(arguments, path_, std::move(input));
    EXPECT_TRUE(result.succeeded()) << arguments[1] << ": " << result.explain();
    std::string text = result.output;
    if (text.ends_with('\n')) text.pop_back();
    return text;
  }
  void write(const std::string& file, const std::string& bytes) const {
    write_file(path_ / file, bytes);
  }
  std::string commit(const std::string& message = "a change") const {
    git({"add", "-A"});
    git({"commit", "--quiet", "--allow-empty", "--no-verify", "-F", "-"}, message);
    return head();
  }
  std::string head() const { return git({"rev-parse", "HEAD"}); }

  // A commit whose tree is exactly these entries, also such that the work tree cannot hold.
  struct Entry {
    std::string mode, path, content;  // content of a gitlink: the commit id
  };
  std::string commit_entries(const std::vector<Entry>& entries) const {
    git({"read-tree", "--empty"});
    std::string index;
    for (const Entry& entry : entries) {
      const std::string id = entry.mode == "160000"
                                 ? entry.content
                                 : git({"hash-object", "-w", "--stdin"}, entry.content);
      index += entry.mode + " " + id + "\t" + entry.path + std::string(1, '\0');
    }
    git({"update-index", "-z", "--index-info"}, index);
    const std::string commit = git({"commit-tree", git({"write-tree"})}, "exactly these entries");
    git({"update-ref", "refs/heads/main", commit});
    return commit;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace rolesync::source
