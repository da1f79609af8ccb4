// SPDX-License-Identifier: Apache-2.0
// The project that `rolesync plugin new` writes: sdk/templates, which are part of this program, so
// that they cannot get lost, with the plugin's names filled in. Any thread.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync::cli {

struct ProjectFile {
  std::string name;
  std::string text;
};

// Errors: invalid/kind_unknown, invalid/plugin_name_invalid; hints say what would do.
Result<std::vector<ProjectFile>> new_project(std::string_view kind, std::string_view id);

// Makes the directory; one that exists must be empty. Errors: conflict/directory_not_empty,
// failed/project_not_written.
Status write_project(const std::filesystem::path& directory, const std::vector<ProjectFile>& files);

// "web-shop" as the name of a class: WebShop.
std::string class_name(std::string_view id);

}  // namespace rolesync::cli
