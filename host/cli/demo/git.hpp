// SPDX-License-Identifier: Apache-2.0
// git, as the demo's developer uses it, and as the independent witness of what is on a node's disk:
// nothing of rolesync's own hashing is used here. Any thread.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync::cli {

class DemoGit {
 public:
  explicit DemoGit(std::string repository) : repository_(std::move(repository)) {}

  Result<std::string> run(const std::vector<std::string>& arguments) const;  // its output

  // Runs the repository's hooks, like a developer's own commit.
  Result<std::string> commit_all(const std::string& message) const;  // the new commit's id

  struct TreeFile {
    std::string mode, blob;
    bool operator==(const TreeFile&) const = default;
  };
  // What git says is below `path` at `commit`; keys are relative to `path`.
  Result<std::map<std::string, TreeFile>> tree(const std::string& commit,
                                               const std::string& path) const;
  // What `git hash-object --no-filters` says about one file.
  Result<std::string> blob_of_file(const std::string& file) const;

 private:
  std::string repository_;
};

// The first difference between what git has and what lies in `directory`, or empty. Files in
// `directory` that git does not know are ignored: they are not ours.
Result<std::string> difference_on_disk(const DemoGit& git, const std::string& commit,
                                       const std::string& path, const std::string& directory);

}  // namespace rolesync::cli
