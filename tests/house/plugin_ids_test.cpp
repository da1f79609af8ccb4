// SPDX-License-Identifier: Apache-2.0
// A new role, detector, deployer or restart strategy is one plugin file; so the core names none of
// those that exist, except where configuration defaults are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <set>

#include "tests/house/source_tree.hpp"
#include "tests/place.hpp"

namespace rolesync::house {
namespace {

namespace fs = std::filesystem;

// The folders of plugins/<kind>/ are named by id.
std::set<std::string> plugin_ids(const fs::path& root) {
  std::set<std::string> ids;
  for (const char* kind : {"roles", "detectors", "deployers", "restart_strategies"}) {
    for (const auto& entry : fs::directory_iterator(root / "plugins" / kind)) {
      if (entry.is_directory()) ids.insert(entry.path().filename());
    }
  }
  return ids;
}

// Ids that are everyday words too count only where the line speaks about that kind of plugin.
bool is_meant(const std::string& id, const std::string& line) {
  static const std::set<std::string> roles = {"backend", "frontend"};
  static const std::set<std::string> others = {"process", "command", "none"};
  const auto speaks_of = [&](std::initializer_list<const char*> words) {
    for (const char* word : words) {
      if (line.find(word) != std::string::npos) return true;
    }
    return false;
  };
  if (roles.count(id)) return speaks_of({"role"});
  if (others.count(id)) return speaks_of({"strategy", "deployer", "detector"});
  return true;
}

std::vector<std::string> named(const fs::path& root, const std::set<std::string>& ids) {
  std::vector<std::string> found;
  for (const SourceFile& file : read_sources(root, {"host", "server"})) {
    const std::string name = fs::path(file.path).filename();
    if (name.find("defaults") != std::string::npos) continue;
    if (file.is_in("host/cli/demo")) continue;  // plays a user: its fleet is a configuration
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      if (!included(line).empty()) continue;
      for (const std::string& literal : literals(line)) {
        if (!ids.count(literal) || !is_meant(literal, line)) continue;
        found.push_back(file.path + ":" + std::to_string(i + 1) + " names \"" + literal + "\"");
      }
    }
  }
  return found;
}

TEST(PluginIds, TheCoreNamesNone) {
  const std::set<std::string> ids = plugin_ids(source_directory());
  EXPECT_GE(ids.size(), 13u) << "the plugins were not found";
  EXPECT_THAT(named(source_directory(), ids), testing::IsEmpty());
}

TEST(PluginIds, ANameIsFoundWhereItMustNotBe) {
  std::string name = fs::temp_directory_path() / "rolesync-house-XXXXXX";
  const fs::path root = ::mkdtemp(name.data());
  fs::create_directories(root / "server");
  std::ofstream(root / "server/a.cpp")
      << "if (role.name == \"code-source\") return;\n"      // 1: found
      << "call(\"deployer\", \"rsync_component\");\n"       // 2: found
      << "// the role \"code-source\"\n"                    // a comment
      << "router.get(\"/api/code-source\");\n"              // another text
      << "json[\"process\"] = port.process;\n"              // an everyday word
      << "if (strategy == \"process\") x();  // why\n"      // 6: found
      << "const char quote = '\"'; f(\"code-source\");\n";  // 7: found
  std::ofstream(root / "server/defaults.cpp") << "detector = \"path_service_port\";\n";
  EXPECT_THAT(named(root, {"code-source", "rsync_component", "path_service_port", "process"}),
              testing::ElementsAre(
                  testing::StartsWith("server/a.cpp:1 "), testing::StartsWith("server/a.cpp:2 "),
                  testing::StartsWith("server/a.cpp:6 "), testing::StartsWith("server/a.cpp:7 ")));
  fs::remove_all(root);
}

}  // namespace
}  // namespace rolesync::house
