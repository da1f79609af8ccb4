// SPDX-License-Identifier: Apache-2.0
// The grammars of everything a user may name. What passes here can never be mistaken for an option
// of a program, a path outside its root, or a part of a shell line. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

#include "host/values/result.hpp"

namespace rolesync {

// Node ids, role names, plugin names, code sources: [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?
bool is_name(std::string_view text);

// Plugin ids may also hold '_': [a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?
bool is_plugin_id(std::string_view text);

// A full commit id: 40 or 64 lower-case hex digits.
bool is_commit(std::string_view text);

// A git branch name, as far as we accept one: no leading '-', no "..", no control characters.
bool is_branch(std::string_view text);

// A path inside a repository or a tree: relative, '/' between parts, no empty part, no "." or "..",
// no NUL, at most 4096 bytes. A trailing '/' is not part of the grammar; callers strip it first.
bool is_relative_path(std::string_view text);

// An absolute, normalised path on a node that is not "/" itself. Windows drive paths
// (C:\dir\dir) are accepted too. Errors say what is wrong with it.
Status check_target_path(std::string_view text);

}  // namespace rolesync
