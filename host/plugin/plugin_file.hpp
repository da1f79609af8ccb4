// SPDX-License-Identifier: Apache-2.0
// One file of a plugin directory, checked, copied, probed and described; and the loader that does
// all this. A PluginFile is shared by the generations that contain it; it goes with the last.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/plugin/descriptor.hpp"
#include "host/plugin/file_check.hpp"
#include "host/plugin/probe.hpp"
#include "host/plugin/provider.hpp"
#include "host/plugin/registry.hpp"

namespace rolesync::plugin {

// Changes whenever the file was written, replaced, or had its owner or mode changed.
struct FileSignature {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  bool operator==(const FileSignature&) const = default;
};
FileSignature signature_of(const std::filesystem::path& path);

struct PluginFile {
  std::filesystem::path path;
  bool isolated = false;
  FileSignature signature;
  std::string sha256;
  std::shared_ptr<const PrivateCopy> copy;
  Descriptor descriptor;
  std::string abi;
  std::vector<std::shared_ptr<Provider>> providers;  // in the order of descriptor.provides
  std::optional<Error> error;                        // why it cannot be used
  std::atomic<std::uint64_t> calls{0}, faults{0};
};

// Not thread-safe; the registry uses it under its scan lock.
class Loader {
 public:
  explicit Loader(const RegistryOptions& options);

  // Never fails: a file that cannot be used says so in `error`.
  std::shared_ptr<PluginFile> load(const std::filesystem::path& path, bool isolated);

  // Removes private copies that no PluginFile uses any more.
  void forget_unused();

 private:
  struct Known {
    Result<Probed> outcome;
    std::chrono::steady_clock::time_point at;
  };
  Status examine(PluginFile& file);
  Status check_allowed(const std::string& sha256) const;
  Status make_providers(PluginFile& file) const;
  Result<std::shared_ptr<const PrivateCopy>> private_copy(const std::string& sha256,
                                                          std::string_view bytes);
  Result<Probed> probed(const std::string& sha256, const std::filesystem::path& copy);

  const std::filesystem::path private_directory_, plugin_host_program_;
  const Policy policy_;
  Status directory_status_;
  std::map<std::string, std::shared_ptr<const PrivateCopy>> copies_;
  std::map<std::string, Known> probes_;
};

}  // namespace rolesync::plugin
