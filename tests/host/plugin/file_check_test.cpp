// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/file_check.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace rolesync::plugin {
namespace {

namespace fs = std::filesystem;

class FileCheck : public testing::Test {
 protected:
  FileCheck() {
    std::string name = fs::temp_directory_path() / "rolesync-file-XXXXXX";
    root_ = ::mkdtemp(name.data());
    fs::create_directory(root_ / "d");
    write(root_ / "d/a.so", "bytes");
  }
  ~FileCheck() override { fs::remove_all(root_); }

  static void write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path) << bytes;
    ::chmod(path.c_str(), 0644);
  }
  static std::string reason(const fs::path& path) {
    const auto result = read_trusted_file(path);
    return result ? "" : result.error().reason;
  }

  fs::path root_;
};

TEST_F(FileCheck, ReadsWhatOnlyWeCanWrite) {
  const auto bytes = read_trusted_file(root_ / "d/a.so");
  ASSERT_TRUE(bytes.ok()) << bytes.error().text();
  EXPECT_EQ(*bytes, "bytes");
}

TEST_F(FileCheck, RefusesEachFaultByItsOwnReason) {
  write(root_ / "d/Bad Name.so", "x");
  EXPECT_EQ(reason(root_ / "d/Bad Name.so"), "file_name_invalid");
  fs::create_directory(root_ / "d/dir.so");
  EXPECT_EQ(reason(root_ / "d/dir.so"), "not_a_regular_file");
  ASSERT_EQ(::mkfifo((root_ / "d/pipe.so").c_str(), 0600), 0);
  EXPECT_EQ(reason(root_ / "d/pipe.so"), "not_a_regular_file");
  fs::create_symlink("a.so", root_ / "d/link.so");
  EXPECT_EQ(reason(root_ / "d/link.so"), "symlink_refused");
  EXPECT_EQ(reason(root_ / "d/none.so"), "file_unreadable");
  ::chmod((root_ / "d/a.so").c_str(), 0664);
  EXPECT_EQ(reason(root_ / "d/a.so"), "writable_by_others");
}

TEST_F(FileCheck, EveryParentMustBeTrustedUnlessSticky) {
  ::chmod((root_ / "d").c_str(), 0777);
  EXPECT_EQ(reason(root_ / "d/a.so"), "untrusted_directory");
  ::chmod((root_ / "d").c_str(), 01777);
  EXPECT_EQ(reason(root_ / "d/a.so"), "");
  ::chmod(root_.c_str(), 0770);
  EXPECT_EQ(reason(root_ / "d/a.so"), "untrusted_directory");
}

TEST_F(FileCheck, AForeignOwnerIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(::chown((root_ / "d/a.so").c_str(), 12345, 0), 0);
  EXPECT_EQ(reason(root_ / "d/a.so"), "untrusted_owner");
}

TEST_F(FileCheck, APrivateCopyLivesAsLongAsItsOwners) {
  ASSERT_TRUE(prepare_private_directory(root_ / "private").ok());
  auto copy = PrivateCopy::make(root_ / "private", "abc", "bytes");
  ASSERT_TRUE(copy.ok());
  const fs::path path = (*copy)->path();
  EXPECT_EQ(path.filename(), "abc.so");
  EXPECT_EQ(fs::file_size(path), 5u);
  *copy = nullptr;
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(FileCheck, ThePrivateDirectoryMustBeOurs) {
  fs::create_directory(root_ / "open");
  ::chmod((root_ / "open").c_str(), 0755);
  EXPECT_EQ(prepare_private_directory(root_ / "open").error().reason, "private_directory_unusable");
  EXPECT_EQ(prepare_private_directory(root_ / "d/a.so").error().reason,
            "private_directory_unusable");
  EXPECT_TRUE(prepare_private_directory(root_ / "new/private").ok());
}

// A real library, cut at every length and with bytes turned over, is never read past its end.
TEST(Elf, CutAndDamagedLibrariesAreRefusedOrHarmless) {
  std::ifstream file("/proc/self/exe", std::ios::binary);  // position independent, so ET_DYN
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  ASSERT_TRUE(check_elf(bytes).ok()) << check_elf(bytes).error().text();
  EXPECT_EQ(check_elf("").error().reason, "file_empty");
  EXPECT_EQ(check_elf("#!/bin/sh\n").error().reason, "not_elf");
  for (std::size_t size = 5; size < 64; ++size) {
    EXPECT_EQ(check_elf(std::string_view(bytes).substr(0, size)).error().reason, "elf_truncated");
  }
  for (std::size_t size = 64; size < bytes.size(); size += 1 + bytes.size() / 200) {
    EXPECT_FALSE(check_elf(std::string_view(bytes).substr(0, size)).ok()) << size;
  }
  for (std::size_t at = 4; at < 1'000; ++at) {
    std::string damaged = bytes.substr(0, 4'096);
    damaged[at] = static_cast<char>(~damaged[at]);
    EXPECT_FALSE(check_elf(damaged).ok());
  }
  std::string other = bytes;
  other[18] = 40;  // e_machine: ARM
  EXPECT_EQ(check_elf(other).error().reason, "wrong_architecture");
  other = bytes;
  other[16] = 1;  // e_type: relocatable
  EXPECT_EQ(check_elf(other).error().reason, "not_a_shared_library");
}

}  // namespace
}  // namespace rolesync::plugin
