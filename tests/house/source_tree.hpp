// SPDX-License-Identifier: Apache-2.0
// The sources as text, for the tests that hold the rules of the house. Pure but for reading files.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace rolesync::house {

struct SourceFile {
  std::string path;  // relative to the root, '/' between parts
  std::vector<std::string> lines;
  bool is_header() const { return path.ends_with(".hpp") || path.ends_with(".h"); }
  bool is_in(const std::string& directory) const { return path.starts_with(directory + "/"); }
};

// All C and C++ sources under these directories of the root.
std::vector<SourceFile> read_sources(const std::filesystem::path& root,
                                     const std::vector<std::string>& directories);

// "host/plugin/registry.hpp" or "<boost/dll/import.hpp>" with its brackets; empty for other lines.
std::string included(const std::string& line);

// The contents of the string literals of one line; comments are left out.
std::vector<std::string> literals(const std::string& line);

}  // namespace rolesync::house
