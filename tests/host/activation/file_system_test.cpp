// SPDX-License-Identifier: Apache-2.0
// The real file system behind the seam: no symlink is ever walked through or followed, errors have
// the names that callers test for, modes are exact.
#include "host/services/file_system.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/host/activation/tree_fixture.hpp"

namespace rolesync {
namespace {

class FileSystemTest : public ::testing::Test {
 protected:
  void SetUp() override {
    put_file(at("real/file"), "bytes");
    std::filesystem::create_symlink("real", at("link"));
    std::filesystem::create_symlink("file", at("real/inner"));
  }
  std::string at(const std::string& path) const { return directory_.path() + "/" + path; }

  TemporaryDirectory directory_;
  FileSystem& fs_ = real_file_system();
};

template <class T>
std::string reason(const T& result) {
  return result.ok() ? "" : result.error().reason;
}

TEST_F(FileSystemTest, NoOperationWalksThroughASymlink) {
  const std::string through = at("link/file");
  const std::string fresh = at("link/new");
  EXPECT_EQ(reason(fs_.stat(through)), "eloop");
  EXPECT_EQ(reason(fs_.list(at("link"))), "eloop");
  EXPECT_EQ(reason(fs_.read(through)), "eloop");
  EXPECT_EQ(reason(fs_.read_link(at("link/inner"))), "eloop");
  EXPECT_EQ(reason(fs_.write(fresh, "x", 0644)), "eloop");
  EXPECT_EQ(reason(fs_.make_directory(fresh, 0755)), "eloop");
  EXPECT_EQ(reason(fs_.make_symlink("x", fresh)), "eloop");
  EXPECT_EQ(reason(fs_.hard_link(at("real/file"), fresh)), "eloop");
  EXPECT_EQ(reason(fs_.hard_link(through, at("new"))), "eloop");
  EXPECT_EQ(reason(fs_.copy(at("real/file"), fresh, 0644)), "eloop");
  EXPECT_EQ(reason(fs_.copy(through, at("new"), 0644)), "eloop");
  EXPECT_EQ(reason(fs_.rename(at("real/file"), fresh)), "eloop");
  EXPECT_EQ(reason(fs_.rename_new(through, at("new"))), "eloop");
  EXPECT_EQ(reason(fs_.exchange(at("real/file"), through)), "eloop");
  EXPECT_EQ(reason(fs_.remove_file(through)), "eloop");
  EXPECT_EQ(reason(fs_.set_mode(through, 0600)), "eloop");
  EXPECT_EQ(reason(fs_.set_owner(through, ::getuid(), ::getgid())), "eloop");
  EXPECT_EQ(reason(fs_.sync_file(through)), "eloop");
  EXPECT_EQ(reason(fs_.sync_directory(at("link"))), "eloop");
  const std::vector<std::string> names = {"link/file", "real/file", "real/missing", "missing/x"};
  std::vector<const std::string*> paths;
  for (const std::string& name : names) paths.push_back(&name);
  std::vector<std::string> reasons;
  fs_.stat_below(directory_.path(), paths, [&](std::size_t, const Result<FileStat>& stat) {
    reasons.push_back(reason(stat));
  });
  EXPECT_EQ(reasons, (std::vector<std::string>{"eloop", "", "enoent", "enoent"}));
  EXPECT_EQ(tree_at(directory_.path()),
            (Tree{{"link", "->real"}, {"real/file", "bytes"}, {"real/inner", "->file"}}));
}

TEST_F(FileSystemTest, NeverFollowsTheLastName) {
  const std::string link = at("real/inner");
  EXPECT_EQ(fs_.stat(link)->type, FileType::symlink);
  EXPECT_EQ(reason(fs_.read(link)), "eloop");
  EXPECT_EQ(reason(fs_.write(link, "x", 0644)), "eloop");
  EXPECT_EQ(reason(fs_.copy(at("real/file"), link, 0644)), "eloop");
  EXPECT_EQ(reason(fs_.set_mode(link, 0600)), "eloop");
  EXPECT_EQ(content_at(at("real/file")), "bytes");
  EXPECT_EQ(reason(fs_.remove_file(link)), "");
  EXPECT_EQ(content_at(at("real/file")), "bytes");
}

TEST_F(FileSystemTest, ErrorsHaveTheirNamesAndKinds) {
  EXPECT_EQ(fs_.stat(at("missing")).error().kind, ErrorKind::not_found);
  EXPECT_EQ(reason(fs_.stat(at("real/file/below"))), "enotdir");
  EXPECT_EQ(reason(fs_.rename_new(at("real/file"), at("link"))), "eexist");
  EXPECT_EQ(reason(fs_.exchange(at("real/file"), at("missing"))), "enoent");
  EXPECT_EQ(reason(fs_.remove_directory(at("real"))), "enotempty");
  EXPECT_EQ(reason(fs_.make_directory(at("real"), 0755)), "eexist");
  EXPECT_NE(fs_.stat(at("missing")).error().message.find(at("missing")), std::string::npos);
}

TEST_F(FileSystemTest, ModesAreExact) {
  const mode_t before = ::umask(077);
  EXPECT_EQ(problem(fs_.write(at("w"), "x", 0644)), "");
  EXPECT_EQ(problem(fs_.copy(at("w"), at("c"), 0755)), "");
  EXPECT_EQ(problem(fs_.make_directory(at("d"), 0755)), "");
  ::umask(before);
  EXPECT_EQ(fs_.stat(at("w"))->mode, 0644U);
  EXPECT_EQ(fs_.stat(at("c"))->mode, 0755U);
  EXPECT_EQ(fs_.stat(at("d"))->mode, 0755U);
}

TEST_F(FileSystemTest, CopiesHaveTheirOwnBytes) {
  const std::string big(3'000'000, 'x');
  put_file(at("big"), big);
  EXPECT_EQ(problem(fs_.copy(at("big"), at("copy"), 0644)), "");
  put_file(at("big"), "overwritten");
  EXPECT_EQ(content_at(at("copy")), big);
  EXPECT_EQ(problem(fs_.copy(at("big"), at("copy"), 0644)), "") << "an older, longer copy is cut";
  EXPECT_EQ(content_at(at("copy")), "overwritten");
}

TEST_F(FileSystemTest, APipeDoesNotHangTheReader) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_EQ(fs_.stat(at("pipe"))->type, FileType::other);
  const Result<std::string> read = fs_.read(at("pipe"));
  EXPECT_TRUE(!read.ok() || read->empty());
}

TEST_F(FileSystemTest, LocksExclude) {
  auto first = fs_.lock(at("lock"));
  ASSERT_EQ(problem(first), "");
  EXPECT_EQ(reason(fs_.lock(at("lock"))), "locked");
  first->reset();
  EXPECT_EQ(reason(fs_.lock(at("lock"))), "");
}

// What a full or forbidden disk says is the end of a task, so it has a reason and a way out.
TEST_F(FileSystemTest, WhatAnOperatorMeetsHasAName) {
  const Status full = fs_.write("/dev/full", "x", 0600);
  EXPECT_EQ(reason(full), "disk_full");
  const Status forbidden = fs_.make_directory("/sys/kernel/rolesync-test", 0700);
  EXPECT_EQ(reason(forbidden), "permission_denied");
  EXPECT_FALSE(full.error().hint.empty() || forbidden.error().hint.empty());
}

}  // namespace
}  // namespace rolesync
