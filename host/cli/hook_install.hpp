// SPDX-License-Identifier: Apache-2.0
// Puts the server's hook script into a repository on this machine: the script under each hook's
// name, the key in a 0600 file beside it. A hook that was there before is kept under another name,
// and the script runs it first. Doing it again replaces our files and changes nothing else. Any
// thread.
#pragma once
#include <string>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync::cli {

struct HookPlace {
  std::string directory;  // absolute path of the hooks directory
  std::string key_file() const { return directory + "/rolesync.key"; }
};

struct HookFiles {
  std::string script, key;
  std::vector<std::string> hooks;  // "post-commit", ...
};

// Asks git, so that core.hooksPath, bare repositories and worktrees are understood.
Result<HookPlace> find_hook_place(const std::string& repository);

// The hook needs git, curl and openssl. Error: failed/program_missing, naming what to install.
Status check_hook_programs();

// What was done, one sentence each.
Result<std::vector<std::string>> install_hook(const HookPlace& place, const HookFiles& files);

}  // namespace rolesync::cli
