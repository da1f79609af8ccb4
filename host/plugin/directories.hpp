// SPDX-License-Identifier: Apache-2.0
// Where plugin files lie: in a plugin directory itself, or in a subdirectory named by their kind.
// Any thread.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "host/plugin/registry.hpp"

namespace rolesync::plugin {

// All directories to watch, there or not: what holds files, and what may come to hold them.
std::vector<std::filesystem::path> watched_directories(const RegistryOptions& options);

struct FoundFile {
  std::filesystem::path path;  // absolute
  bool isolated = false;       // as its directory and the policy say
};
// In a stable order: packaged directories first.
std::vector<FoundFile> find_files(const RegistryOptions& options);

}  // namespace rolesync::plugin
