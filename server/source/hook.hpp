// SPDX-License-Identifier: Apache-2.0
// The git hook that tells the server about commits. One text serves as post-commit, post-merge,
// post-rewrite and post-receive; it needs sh, git, curl and openssl. Pure; any thread.
#pragma once
#include <string>

#include "host/values/result.hpp"

namespace rolesync::source {

struct HookOptions {
  std::string server_url;  // http(s)://host[:port]
  std::string source;      // a checked name
  std::string key_file;    // absolute path on the repository's machine
  std::string ca_file;     // PEM to trust instead of the system's; empty: the system's
};

// The text of the hook. Errors: invalid/hook_option_invalid.
Result<std::string> hook_script(const HookOptions& options);

// Same text for each of them: the names of the files in the repository's hooks directory. A hook
// that is there already is kept as <name>.before-rolesync and run first.
inline constexpr const char* hook_names[] = {"post-commit", "post-merge", "post-rewrite",
                                             "post-receive"};

}  // namespace rolesync::source
