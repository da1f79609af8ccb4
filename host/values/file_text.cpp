// SPDX-License-Identifier: Apache-2.0
#include "host/values/file_text.hpp"

#include <fstream>

namespace rolesync {

std::optional<std::string> file_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text;
  char part[16 << 10];
  do {
    file.read(part, sizeof part);  // unlike an iterator, it turns what fails into a state
    text.append(part, static_cast<std::size_t>(file.gcount()));
  } while (file);
  return file.bad() ? std::nullopt : std::optional(std::move(text));
}

}  // namespace rolesync
