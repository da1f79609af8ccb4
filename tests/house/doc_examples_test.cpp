// SPDX-License-Identifier: Apache-2.0
// What the docs show of a file is the file, without its licence line:
//   <!-- the file sdk/examples/x/x.cpp -->
//   ```cpp
//   ...
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/place.hpp"

namespace rolesync::house {
namespace {

namespace fs = std::filesystem;

const fs::path root = source_directory();
const std::string mark = "<!-- the file ";

std::string text_of(const fs::path& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

struct Shown {
  std::string page, file, text;
};

std::vector<Shown> shown_files() {
  std::vector<Shown> found;
  for (const auto& entry : fs::recursive_directory_iterator(root / "docs")) {
    if (entry.path().extension() != ".md") continue;
    const std::string page = text_of(entry.path());
    for (auto at = page.find(mark); at != std::string::npos; at = page.find(mark, at + 1)) {
      const auto name_end = page.find(" -->", at);
      const auto begin = page.find("\n", page.find("\n", at) + 1) + 1;
      const auto end = page.find("\n```", begin);
      if (name_end == std::string::npos || end == std::string::npos) continue;
      found.push_back({entry.path().lexically_relative(root),
                       page.substr(at + mark.size(), name_end - at - mark.size()),
                       page.substr(begin, end + 1 - begin)});
    }
  }
  return found;
}

TEST(DocExamples, AreTheFilesThatAreCompiled) {
  for (const Shown& shown : shown_files()) {
    const std::string file = text_of(root / shown.file);
    ASSERT_NE(file, "") << shown.page << " shows " << shown.file << ", which is not there";
    EXPECT_EQ(shown.text, file.substr(file.find('\n') + 1))
        << shown.page << " shows another " << shown.file;
  }
}

TEST(DocExamples, EveryKindHasOne) {
  std::set<std::string> pages;
  for (const Shown& shown : shown_files()) pages.insert(shown.page);
  for (const char* kind : {"role", "detector", "deployer", "restart-strategy"})
    EXPECT_EQ(pages.count(std::string("docs/plugins/") + kind + ".md"), 1u) << kind;
}

// Links between pages, as far as they name files.
TEST(DocExamples, LinksOfThePluginPagesLeadSomewhere) {
  for (const char* name : {"plugin-guide.md", "plugins/role.md", "plugins/detector.md",
                           "plugins/deployer.md", "plugins/restart-strategy.md"}) {
    const fs::path page = root / "docs" / name;
    const std::string text = text_of(page);
    ASSERT_NE(text, "") << name;
    for (auto at = text.find("]("); at != std::string::npos; at = text.find("](", at + 1)) {
      std::string target = text.substr(at + 2, text.find(')', at) - at - 2);
      target = target.substr(0, target.find('#'));
      if (target.empty() || target.find("://") != std::string::npos) continue;
      EXPECT_TRUE(fs::exists(page.parent_path() / target)) << name << " links to " << target;
    }
  }
}

}  // namespace
}  // namespace rolesync::house
