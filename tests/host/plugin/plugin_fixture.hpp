// SPDX-License-Identifier: Apache-2.0
// Plugin directories of a test's own, and ways to wait for what a registry does by itself.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "host/plugin/registry.hpp"

namespace rolesync::plugin {

class PluginFixture : public testing::Test {
 protected:
  PluginFixture();
  ~PluginFixture() override;

  RegistryOptions options() const;
  std::filesystem::path sample(const std::string& variant) const;
  // As `cp` does it, or as `mv` from a temporary name does it.
  static void copy(const std::filesystem::path& from, const std::filesystem::path& to);
  static void put(const std::filesystem::path& from, const std::filesystem::path& to);

  static bool eventually(const std::function<bool()>& condition);
  // The info of the file with this stem; fails the test when there is none.
  static PluginInfo info(const Registry& registry, const std::filesystem::path& path);

  std::filesystem::path root_, packaged_, drop_in_;
};

}  // namespace rolesync::plugin
