// SPDX-License-Identifier: Apache-2.0
// What an agent finds of one that was killed.
#include "host/agent/recovery.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace rolesync::agent {
namespace {

TEST(Recovery, RemovesWhatAKilledAgentLeft) {
  std::string name = (std::filesystem::temp_directory_path() / "rolesync-test-XXXXXX").string();
  const std::filesystem::path state = ::mkdtemp(name.data());
  for (const char* directory : {"run/private", "run/programs", "tasks", "roles"}) {
    std::filesystem::create_directories(state / directory);
  }
  const std::set<std::string> stays = {"credential", "tasks/task_1.json", "tasks/task_1.cancelled",
                                       "roles/web.json", "run/programs/4711"};
  std::set<std::string> all = stays;
  all.insert({"commands.json.new", "tasks/task_2.json.new", "roles/web.json.new", "run/task_1.want",
              "run/private/rsyncd.conf"});
  for (const std::string& file : all) std::ofstream(state / file) << "x";

  AgentConfig config;
  config.state_dir = state;
  remove_leftovers(config);

  std::set<std::string> left;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(state)) {
    if (entry.is_regular_file()) left.insert(entry.path().lexically_relative(state));
  }
  EXPECT_EQ(left, stays);
  config.state_dir = state / "is-not-there";
  remove_leftovers(config);
  std::filesystem::remove_all(state);
}

}  // namespace
}  // namespace rolesync::agent
