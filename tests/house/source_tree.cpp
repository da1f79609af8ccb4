// SPDX-License-Identifier: Apache-2.0
#include "tests/house/source_tree.hpp"

#include <algorithm>
#include <fstream>

namespace rolesync::house {

namespace fs = std::filesystem;

std::vector<SourceFile> read_sources(const fs::path& root,
                                     const std::vector<std::string>& directories) {
  std::vector<SourceFile> files;
  for (const std::string& directory : directories) {
    if (!fs::exists(root / directory)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / directory)) {
      const std::string extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp" && extension != ".h" && extension != ".c") {
        continue;
      }
      const std::string path = entry.path().lexically_relative(root).generic_string();
      if (path.find("/node_modules/") != std::string::npos) continue;
      SourceFile file{path, {}};
      std::ifstream stream(entry.path());
      for (std::string line; std::getline(stream, line);) file.lines.push_back(line);
      files.push_back(std::move(file));
    }
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

std::string included(const std::string& line) {
  const auto hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line[hash] != '#') return "";
  const auto word = line.find("include", hash);
  if (word == std::string::npos) return "";
  const auto begin = line.find_first_of("\"<", word);
  if (begin == std::string::npos) return "";
  if (line[begin] == '<') return line.substr(begin, line.find('>', begin) - begin + 1);
  return line.substr(begin + 1, line.find('"', begin + 1) - begin - 1);
}

std::vector<std::string> literals(const std::string& line) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '/' && at + 1 < line.size() && line[at + 1] == '/') break;
    if (line[at] == '\'' && at + 2 < line.size()) {  // '"' is no literal's begin
      const std::size_t end = line.find('\'', at + (line[at + 1] == '\\' ? 3 : 2));
      if (end != std::string::npos && end - at <= 4) at = end;
      continue;
    }
    if (line[at] != '"') continue;
    std::string text;
    for (++at; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] == '\\' && at + 1 < line.size()) ++at;
      text += line[at];
    }
    found.push_back(text);
  }
  return found;
}

}  // namespace rolesync::house
