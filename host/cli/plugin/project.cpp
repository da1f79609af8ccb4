// SPDX-License-Identifier: Apache-2.0
#include "host/cli/plugin/project.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <system_error>
#include <utility>

#include "host/values/names.hpp"

namespace rolesync::cli {

// Generated from sdk/templates: path from there, text.
const std::vector<std::pair<std::string_view, std::string_view>>& plugin_templates();

namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kinds = {"role", "detector", "deployer",
                                                   "restart_strategy"};
constexpr std::string_view template_suffix = ".in";

// The nearest name that is one; empty when nothing is left of it.
std::string proposed_name(std::string_view wrong) {
  std::string name;
  for (const char c : wrong.substr(0, 63)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = byte < 128 && std::isalnum(byte);
    if (letter) {
      name += static_cast<char>(std::tolower(byte));
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name;
}

Status check_names(std::string_view kind, std::string_view id) {
  if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
    return Error{ErrorKind::invalid, "kind_unknown",
                 "\"" + std::string(kind) + "\" is not a kind of plugin",
                 "write one of: role, detector, deployer, restart_strategy"};
  }
  const bool is_role = kind == "role";
  if (is_role ? is_name(id) : is_plugin_id(id)) return {};
  const std::string proposal = proposed_name(id);
  return Error{ErrorKind::invalid, "plugin_name_invalid",
               "\"" + std::string(id) + "\" cannot be the name of a " + std::string(kind) +
                   ": at most 63 lower-case letters, digits and '-'" + (is_role ? "" : " or '_'") +
                   ", not at its ends",
               proposal.empty() ? "" : "how about " + proposal};
}

using Words = std::map<std::string, std::string>;

Words words_for(const std::string& kind, const std::string& id) {
  static const std::map<std::string, std::string> tries = {
      {"role", "spec"},
      {"detector", "detect --role role.json --facts facts.json"},
      {"deployer", "fetch --directory ."},
      {"restart_strategy", "status --role role.json"}};
  static const std::map<std::string, std::string> places = {
      {"role", ""},
      {"detector", " and of every agent"},
      {"deployer", " and of every agent"},
      {"restart_strategy", " and of every agent"}};
  return {{"ID", id},
          {"KIND", kind},
          {"CLASS", class_name(id)},
          {"TRY", "rolesync plugin run build/dev/" + id + ".so " + tries.at(kind)},
          {"WHERE", places.at(kind)}};
}

std::string filled_in(std::string_view text, const Words& words) {
  std::string result;
  while (!text.empty()) {
    const auto begin = text.find('@');
    const auto end = begin == text.npos ? text.npos : text.find('@', begin + 1);
    const auto word = end == text.npos
                          ? words.end()
                          : words.find(std::string(text.substr(begin + 1, end - begin - 1)));
    if (word == words.end()) {
      const auto plain = std::min(text.size(), begin == text.npos ? text.size() : begin + 1);
      result += text.substr(0, plain);
      text.remove_prefix(plain);
    } else {
      result.append(text.substr(0, begin)).append(word->second);
      text.remove_prefix(end + 1);
    }
  }
  return result;
}

// "role/plugin_test.cpp.in" -> "web-shop_test.cpp"
std::string file_name(std::string_view path, const std::string& id) {
  std::string name(path.substr(path.find('/') + 1));
  name.resize(name.size() - template_suffix.size());
  if (name.starts_with("plugin")) name.replace(0, std::strlen("plugin"), id);
  return name;
}

Error not_written(const fs::path& path, const std::string& why) {
  return {ErrorKind::failed, "project_not_written", path.string() + " cannot be written: " + why,
          "choose another place with --directory"};
}

}  // namespace

std::string class_name(std::string_view id) {
  std::string name;
  bool upper = true;
  for (const char c : id) {
    if (c == '-' || c == '_') {
      upper = true;
    } else {
      name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
      upper = false;
    }
  }
  return std::isdigit(static_cast<unsigned char>(name.front())) ? "Plugin" + name : name;
}

Result<std::vector<ProjectFile>> new_project(std::string_view kind, std::string_view id) {
  if (Status status = check_names(kind, id); !status) return status.error();
  const Words words = words_for(std::string(kind), std::string(id));
  std::vector<ProjectFile> files;
  for (const auto& [path, text] : plugin_templates()) {
    const auto directory = path.substr(0, path.find('/'));
    if (directory != "all" && directory != kind) continue;
    files.push_back({file_name(path, std::string(id)), filled_in(text, words)});
  }
  return files;
}

Status write_project(const fs::path& directory, const std::vector<ProjectFile>& files) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return not_written(directory, error.message());
  if (!fs::is_empty(directory, error) || error) {
    return Error{ErrorKind::conflict, "directory_not_empty",
                 directory.string() + " exists and is not empty; nothing was written",
                 "choose another place with --directory, or remove it"};
  }
  for (const ProjectFile& file : files) {
    std::ofstream stream(directory / file.name, std::ios::binary);
    stream << file.text;
    if (!stream.flush()) return not_written(directory / file.name, std::strerror(errno));
  }
  return {};
}

}  // namespace rolesync::cli
