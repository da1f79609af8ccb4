// SPDX-License-Identifier: Apache-2.0
#include "host/cli/plugin/project.hpp"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <fstream>
#include <set>

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kinds[] = {"role", "detector", "deployer", "restart_strategy"};

TEST(Project, EveryKindHasSourceTestAndBuild) {
  for (const char* kind : kinds) {
    const auto files = new_project(kind, "my-own");
    ASSERT_TRUE(files.ok()) << files.error().text();
    std::set<std::string> names;
    for (const ProjectFile& file : *files) names.insert(file.name);
    for (const char* name : {"my-own.cpp", "my-own_test.cpp", "CMakeLists.txt", "CMakePresets.json",
                             "README.md", ".gitignore"}) {
      EXPECT_EQ(names.count(name), 1u) << kind << " " << name;
    }
  }
}

TEST(Project, EveryPlaceIsFilledIn) {
  for (const char* kind : kinds) {
    const auto files = new_project(kind, "my-own");
    ASSERT_TRUE(files.ok());
    for (const ProjectFile& file : *files) {
      EXPECT_THAT(file.text, Not(IsEmpty())) << file.name;
      EXPECT_THAT(file.text, Not(HasSubstr("@"))) << kind << " " << file.name;
    }
  }
}

TEST(Project, NamesAreChecked) {
  for (const char* name : {"", "-x", "x-", "Web", "a b", "../x", "x/y", "caf\xc3\xa9"}) {
    const auto files = new_project("role", name);
    ASSERT_FALSE(files.ok()) << name;
    EXPECT_EQ(files.error().reason, "plugin_name_invalid");
  }
  EXPECT_THAT(new_project("role", "Web_Shop").error().hint, HasSubstr("web-shop"));
  EXPECT_FALSE(new_project("role", "web_shop").ok());
  EXPECT_TRUE(new_project("detector", "web_shop").ok());
  EXPECT_TRUE(new_project("detector", "9lives").ok());
  EXPECT_EQ(new_project("roles", "x").error().reason, "kind_unknown");
}

TEST(Project, ClassNames) {
  EXPECT_EQ(class_name("web-shop"), "WebShop");
  EXPECT_EQ(class_name("alive_file"), "AliveFile");
  EXPECT_EQ(class_name("9lives"), "Plugin9lives");
}

class WriteProject : public testing::Test {
 protected:
  WriteProject() {
    std::string name = fs::temp_directory_path() / "rolesync-project-XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  ~WriteProject() override { fs::remove_all(root_); }
  fs::path root_;
};

TEST_F(WriteProject, WritesIntoANewOrEmptyDirectory) {
  EXPECT_TRUE(write_project(root_, {{"a.txt", "text\n"}}).ok());
  EXPECT_TRUE(write_project(root_ / "b/c", {{"a.txt", "text\n"}}).ok());
  std::ifstream stream(root_ / "b/c/a.txt");
  EXPECT_EQ(std::string((std::istreambuf_iterator<char>(stream)), {}), "text\n");
}

TEST_F(WriteProject, OverwritesNothing) {
  std::ofstream(root_ / "mine.txt") << "precious";
  const Status status = write_project(root_, {{"a.txt", "text\n"}});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().reason, "directory_not_empty");
  EXPECT_FALSE(fs::exists(root_ / "a.txt"));
}

TEST_F(WriteProject, AFileInTheWay) {
  std::ofstream(root_ / "mine.txt") << "precious";
  EXPECT_EQ(write_project(root_ / "mine.txt", {{"a.txt", ""}}).error().reason,
            "project_not_written");
}

}  // namespace
}  // namespace rolesync::cli
