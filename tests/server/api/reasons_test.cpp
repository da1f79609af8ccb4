// SPDX-License-Identifier: Apache-2.0
// Every reason code that the server's own code gives is explained in docs/reasons.md.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>

#include "host/values/file_text.hpp"
#include "tests/place.hpp"

namespace rolesync {
namespace {

namespace fs = std::filesystem;

TEST(Reasons, AreAllExplained) {
  const fs::path source = source_directory();
  const std::string page = file_text(source / "docs" / "reasons.md").value_or("");
  const std::regex given("ErrorKind::[a-z_]+,\\s*\"([a-z0-9_]+)\"");
  std::set<std::string> reasons;
  for (const char* room : {"api", "domain", "rollout"}) {
    for (const auto& entry : fs::directory_iterator(source / "server" / room)) {
      const std::string text = file_text(entry.path()).value_or("");
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
