// SPDX-License-Identifier: Apache-2.0
#include "host/cli/plugin/plugin_file.hpp"

#include <map>
#include <system_error>

#include "host/cli/programs.hpp"
#include "host/plugin/file_check.hpp"
#include "host/plugin/probe.hpp"
#include "host/values/file_text.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;

Result<std::string> read_bytes(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return Error{ErrorKind::not_found, "file_missing", "there is no file " + path.string(),
                 "build it first: cmake --workflow --preset dev"};
  }
  if (auto bytes = file_text(path)) return std::move(*bytes);
  return Error{ErrorKind::failed, "file_unreadable", path.string() + " cannot be read"};
}

// Empty for a method that several kinds could have.
std::string kind_of_method(const std::string& method) {
  static const std::map<std::string, std::string> kinds = {{"spec", "role"},
                                                           {"detect", "detector"},
                                                           {"offer", "deployer"},
                                                           {"serve", "deployer"},
                                                           {"fetch", "deployer"},
                                                           {"status", "restart_strategy"},
                                                           {"start", "restart_strategy"},
                                                           {"stop", "restart_strategy"},
                                                           {"restart", "restart_strategy"}};
  const auto found = kinds.find(method);
  return found == kinds.end() ? "" : found->second;
}

std::string list_of(const std::vector<plugin::Provided>& provides) {
  std::string list;
  for (const auto& provided : provides)
    list += (list.empty() ? "" : ", ") + provided.kind + " " + provided.id;
  return list;
}

}  // namespace

Result<PluginFileOnDisk> open_plugin_file(const std::string& path) {
  PluginFileOnDisk file;
  std::error_code error;
  file.path = fs::absolute(path, error);
  auto bytes = read_bytes(file.path);
  if (!bytes) return bytes.error();
  if (Status elf = plugin::check_elf(*bytes); !elf) {
    Error refused = elf.error();
    refused.message = file.path.string() + ": " + refused.message;
    return refused;
  }
  auto program = find_program("rolesync-plugin-host");
  if (!program) return program.error();
  file.host_program = *program;
  auto probed = plugin::probe(file.host_program, file.path);
  if (!probed) return probed.error();
  auto descriptor = plugin::parse_descriptor(probed->descriptor);
  if (!descriptor) return descriptor.error();
  file.descriptor = std::move(*descriptor);
  return file;
}

Result<plugin::Provided> choose_provided(const plugin::Descriptor& descriptor,
                                         const std::string& kind, const std::string& id,
                                         const std::string& method) {
  const auto fitting = [&](const std::string& wanted_kind) {
    std::vector<plugin::Provided> found;
    for (const auto& provided : descriptor.provides) {
      if (!wanted_kind.empty() && provided.kind != wanted_kind) continue;
      if (id.empty() || provided.id == id) found.push_back(provided);
    }
    return found;
  };
  std::vector<plugin::Provided> found = fitting(kind);
  if (found.size() > 1 && kind.empty()) {
    if (auto narrowed = fitting(kind_of_method(method)); !narrowed.empty()) found = narrowed;
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return Error{ErrorKind::not_found, "not_provided",
                 "the plugin provides no " + (kind.empty() ? "thing" : kind) +
                     (id.empty() ? "" : " named " + id),
                 "it provides: " + list_of(descriptor.provides)};
  }
  return Error{ErrorKind::invalid, "ambiguous", "the plugin provides several: " + list_of(found),
               "say which one with --kind and --id"};
}

}  // namespace rolesync::cli
