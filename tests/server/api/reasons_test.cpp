// SPDX-License-Identifier: Apache-2.0
// Every reason code that the server's own code gives is explained in docs/reasons.md.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "tests/place.hpp"

namespace rolesync {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Reasons, AreAllExplained) {
  const fs::path source = source_directory();
  const std::string page = text_of(source / "docs" / "reasons.md");
  const std::regex given("ErrorKind::[a-z_]+,\\s*\"([a-z0-9_]+)\"");
  std::set<std::string> reasons;
  for (const char* room : {"api", "domain", "rollout"}) {
    for (const auto& entry : fs::directory_iterator(source / "server" / room)) {
      const std::string text = text_of(entry.path());
      for (std::sregex_iterator it(text.begin(), text.end(), given), end; it != end; ++it) {
        reasons.insert((*it)[1]);
      }
    }
  }
  EXPECT_GT(reasons.size(), 20u);
  for (const std::string& reason : reasons) {
    EXPECT_NE(page.find("`" + reason + "`"), std::string::npos) << reason;
  }
}

}  // namespace
}  // namespace rolesync
