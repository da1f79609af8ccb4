// SPDX-License-Identifier: Apache-2.0
// A plugin file that its author wants to look at or call: no plugin directory, no trust checks, but
// never loaded into this process before a child could load it. One thread.
#pragma once
#include <filesystem>
#include <string>

#include "host/plugin/descriptor.hpp"
#include "host/values/result.hpp"

namespace rolesync::cli {

struct PluginFileOnDisk {
  std::filesystem::path path;          // absolute
  std::filesystem::path host_program;  // rolesync-plugin-host
  plugin::Descriptor descriptor;
};

// Errors: not_found/file_missing, and what check_elf, probe and parse_descriptor refuse.
Result<PluginFileOnDisk> open_plugin_file(const std::string& path);

// The one thing it provides that is meant; empty kind or id: any, as long as only one fits. A
// method that belongs to one kind says the kind. Errors: not_found/not_provided,
// invalid/ambiguous.
Result<plugin::Provided> choose_provided(const plugin::Descriptor& descriptor,
                                         const std::string& kind, const std::string& id,
                                         const std::string& method);

}  // namespace rolesync::cli
