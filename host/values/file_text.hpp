// SPDX-License-Identifier: Apache-2.0
// The bytes of a whole file. A stream read through iterators throws when the file cannot be read
// after all: a directory, a bad disk, a file of /proc whose process has just ended. Any thread.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace rolesync {

// Nothing when it cannot be opened or read to its end.
std::optional<std::string> file_text(const std::filesystem::path& path);

}  // namespace rolesync
