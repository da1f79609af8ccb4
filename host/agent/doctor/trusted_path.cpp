// SPDX-License-Identifier: Apache-2.0
#include "host/agent/doctor/trusted_path.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace rolesync::agent::doctor {

std::optional<std::string> unsafe_owner(const std::string& path) {
  for (std::filesystem::path each(path);; each = each.parent_path()) {
    struct stat found {};
    if (::stat(each.c_str(), &found) == 0) {
      const bool sticky = S_ISDIR(found.st_mode) && (found.st_mode & S_ISVTX) != 0;
      if (found.st_uid != 0 && found.st_uid != ::geteuid()) {
        return each.string() + " belongs to user " + std::to_string(found.st_uid);
      }
      if ((found.st_mode & S_IWOTH) != 0 && !sticky) {
        return each.string() + " may be written by everybody";
      }
      if ((found.st_mode & S_IWGRP) != 0 && found.st_gid != 0 && found.st_gid != ::getegid() &&
          !sticky) {
        return each.string() + " may be written by group " + std::to_string(found.st_gid);
      }
    }
    if (!each.has_relative_path()) return std::nullopt;
  }
}

}  // namespace rolesync::agent::doctor
