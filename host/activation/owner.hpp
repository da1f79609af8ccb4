// SPDX-License-Identifier: Apache-2.0
// Whose the deployed files are: what the role says, else the owner of the target or of the nearest
// directory above it. Any thread.
#pragma once
#include <string>

#include "host/services/file_system.hpp"

namespace rolesync {

struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
  bool required = false;  // the role names it: not being able to give files to it is an error
};

// Errors: unknown_owner.
Result<Owner> resolve_owner(FileSystem& fs, const std::string& owner, const std::string& target);

// Gives a file or directory that we made to its owner.
Status give_to(FileSystem& fs, const Owner& owner, const std::string& path);

}  // namespace rolesync
