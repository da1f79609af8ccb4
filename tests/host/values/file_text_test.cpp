// SPDX-License-Identifier: Apache-2.0
#include "host/values/file_text.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace rolesync {
namespace {

TEST(FileText, IsAllOfIt) {
  const std::string path = ::testing::TempDir() + "file_text_" + std::to_string(::getpid());
  for (const std::size_t size : {0U, 1U, 16U << 10, (16U << 10) + 1, 100'000U}) {
    std::string text(size, 'x');
    if (size > 1) text[size / 2] = '\0';
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(file_text(path), text) << size;
  }
  ::unlink(path.c_str());
}

TEST(FileText, IsNothingWhenItCannotBeRead) {
  EXPECT_FALSE(file_text("/nonexistent"));
  EXPECT_FALSE(file_text("/"));  // opens, and cannot be read
}

}  // namespace
}  // namespace rolesync
