// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/directories.hpp"

#include <array>
#include <set>

namespace rolesync::plugin {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 4> kinds = {"role", "detector", "deployer", "restart_strategy"};

void add_files(const fs::path& directory, bool isolated, const Policy& policy,
               std::vector<FoundFile>& files) {
  std::set<fs::path> sorted;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".so") sorted.insert(it->path());
  }
  for (const fs::path& path : sorted) {
    const auto chosen = policy.isolated.find(path.stem().string());
    files.push_back({path, chosen == policy.isolated.end() ? isolated : chosen->second});
  }
}

}  // namespace

std::vector<fs::path> watched_directories(const RegistryOptions& options) {
  std::vector<fs::path> all = options.packaged_directories;
  all.insert(all.end(), options.drop_in_directories.begin(), options.drop_in_directories.end());
  for (std::size_t i = all.size(); i-- > 0;) {
    for (const char* kind : kinds) all.push_back(all[i] / kind);
  }
  return all;
}

std::vector<FoundFile> find_files(const RegistryOptions& options) {
  std::vector<FoundFile> files;
  const auto add = [&](const std::vector<fs::path>& roots, bool isolated) {
    for (const fs::path& given : roots) {
      const fs::path root = fs::absolute(given);
      add_files(root, isolated, options.policy, files);
      for (const char* kind : kinds) add_files(root / kind, isolated, options.policy, files);
    }
  };
  add(options.packaged_directories, false);
  add(options.drop_in_directories, true);
  return files;
}

}  // namespace rolesync::plugin
