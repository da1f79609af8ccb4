// SPDX-License-Identifier: Apache-2.0
#include "server/http/static_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace rolesync::http {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class StaticFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "rolesync-web-XXXXXX").string();
    ASSERT_TRUE(mkdtemp(pattern.data()));
    top = pattern;
    directory = top / "web";
    write("index.html", "<p>page</p>");
    write("assets/a-1b2c.js", "let a = 1");
    write("assets/a-1b2c.js.gz", "packed");
    write("icon.svg", "<svg/>");
    std::ofstream(top / "secret") << "secret";
    fs::create_symlink(top / "secret", directory / "link.txt");
    auto loaded = StaticFiles::load(directory);
    ASSERT_TRUE(loaded) << loaded.error().text();
    files = std::make_unique<StaticFiles>(std::move(*loaded));
  }
  void TearDown() override { fs::remove_all(top); }

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((directory / name).parent_path());
    std::ofstream(directory / name) << text;
  }
  Response get(const std::string& path, std::map<std::string, std::string> headers = {}) {
    return files->answer({.method = "GET", .path = path, .headers = std::move(headers)});
  }

  fs::path top, directory;
  std::unique_ptr<StaticFiles> files;
};

const std::map<std::string, std::string> browser = {{"accept", "text/html,*/*;q=0.8"}};

TEST_F(StaticFilesTest, TypesAndCaching) {
  const Response page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.body, "<p>page</p>");
  EXPECT_EQ(page.headers.at("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.headers.at("Cache-Control"), "no-cache");
  EXPECT_THAT(page.headers.at("Content-Security-Policy"), HasSubstr("default-src 'none'"));
  const Response script = get("/assets/a-1b2c.js");
  EXPECT_EQ(script.headers.at("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_THAT(script.headers.at("Cache-Control"), HasSubstr("immutable"));
  EXPECT_EQ(get("/icon.svg").headers.at("Content-Type"), "image/svg+xml");
}

TEST_F(StaticFilesTest, WhatDidNotChangeIsNotSentAgain) {
  const std::string etag = get("/").headers.at("ETag");
  const Response again = get("/", {{"if-none-match", etag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(get("/", {{"if-none-match", "\"other\""}}).status, 200);
}

TEST_F(StaticFilesTest, CompressedForThoseWhoTakeIt) {
  const Response packed = get("/assets/a-1b2c.js", {{"accept-encoding", "br, gzip"}});
  EXPECT_EQ(packed.body, "packed");
  EXPECT_EQ(packed.headers.at("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.headers.at("Vary"), "Accept-Encoding");
  EXPECT_EQ(get("/assets/a-1b2c.js").body, "let a = 1");
  EXPECT_EQ(get("/assets/a-1b2c.js.gz").status, 404);
}

TEST_F(StaticFilesTest, DeepLinksOfABrowserAreThePage) {
  EXPECT_EQ(get("/nodes/node-1", browser).body, "<p>page</p>");
  EXPECT_EQ(get("/nodes/node-1").status, 404);  // a program with a wrong path
  EXPECT_EQ(get("/assets/gone", browser).status, 404);
  EXPECT_EQ(get("/old.js", browser).status, 404);
}

TEST_F(StaticFilesTest, NoPathLeadsOutOfTheDirectory) {
  for (const char* path : {"/../secret", "/assets/../../secret", "/..%2fsecret", "/%2e%2e/secret",
                           "//etc/passwd", "/link.txt", "/assets/%00", "", "/assets//a-1b2c.js"}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
}

TEST_F(StaticFilesTest, ADirectoryThatIsNotThereIsAnError) {
  const auto loaded = StaticFiles::load(top / "nothing");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().reason, "directory_unreadable");
}

}  // namespace
}  // namespace rolesync::http
