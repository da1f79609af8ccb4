// SPDX-License-Identifier: Apache-2.0
#include "tests/host/plugin/plugin_fixture.hpp"
#include "tests/place.hpp"

#include <stdlib.h>

#include <thread>

namespace rolesync::plugin {

namespace fs = std::filesystem;

PluginFixture::PluginFixture() {
  std::string name = fs::temp_directory_path() / "rolesync-plugin-XXXXXX";
  root_ = ::mkdtemp(name.data());
  packaged_ = root_ / "packaged";
  drop_in_ = root_ / "drop_in";
  fs::create_directory(packaged_);
  fs::create_directory(drop_in_);
}

PluginFixture::~PluginFixture() {
  fs::remove_all(root_);
}

RegistryOptions PluginFixture::options() const {
  RegistryOptions options;
  options.packaged_directories = {packaged_};
  options.drop_in_directories = {drop_in_};
  options.private_directory = root_ / "private";
  options.plugin_host_program = fs::path(build_directory()) / "bin/rolesync-plugin-host";
  return options;
}

fs::path PluginFixture::sample(const std::string& variant) const {
  return fs::path(build_directory()) / "tests/samples" / variant / "sample.so";
}

void PluginFixture::copy(const fs::path& from, const fs::path& to) {
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
  fs::permissions(to, fs::perms::group_write | fs::perms::others_write, fs::perm_options::remove);
}

void PluginFixture::put(const fs::path& from, const fs::path& to) {
  const fs::path temporary = to.parent_path() / ".incoming";
  copy(from, temporary);
  fs::rename(temporary, to);
}

bool PluginFixture::eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

PluginInfo PluginFixture::info(const Registry& registry, const fs::path& path) {
  for (PluginInfo& candidate : registry.plugins()) {
    if (candidate.path == path) return candidate;
  }
  ADD_FAILURE() << "the registry does not know " << path;
  return {};
}

}  // namespace rolesync::plugin
