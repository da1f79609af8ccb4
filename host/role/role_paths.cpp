// SPDX-License-Identifier: Apache-2.0
#include "host/role/role_paths.hpp"

#include <algorithm>

namespace rolesync {
namespace {

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string join(std::string_view directory, std::string_view rest) {
  if (directory.empty()) return std::string(rest);
  if (rest.empty()) return std::string(directory);
  return std::string(directory) + "/" + std::string(rest);
}

// The part of `path` below `prefix`: "" when equal, nothing when it is elsewhere.
std::optional<std::string_view> below(std::string_view prefix, std::string_view path) {
  if (prefix.empty()) return path;
  if (!path.starts_with(prefix)) return std::nullopt;
  if (path.size() == prefix.size()) return std::string_view{};
  if (path[prefix.size()] != '/') return std::nullopt;
  return path.substr(prefix.size() + 1);
}

std::vector<std::string> owned_places(const Role& role) {
  std::vector<std::string> places;
  for (const SourceMapping& mapping : source_mappings(role)) {
    places.push_back(join(role.target_path, mapping.to));
  }
  return places;
}

}  // namespace

std::vector<SourceMapping> source_mappings(const Role& role) {
  std::vector<SourceMapping> mappings;
  const bool several = role.source_paths.size() > 1;
  for (const std::string& source : role.source_paths) {
    if (const auto colon = source.find(':'); colon != std::string::npos) {
      std::string from = source.substr(0, colon), to = source.substr(colon + 1);
      if (from == ".") from.clear();
      if (to == ".") to.clear();
      mappings.push_back({from, to});
    } else {
      const std::string from = source == "." ? "" : source;
      mappings.push_back({from, several ? base_name(from) : ""});
    }
  }
  return mappings;
}

std::optional<std::string> target_of(const Role& role, std::string_view repository_path) {
  for (const std::string& excluded : role.exclude) {
    if (below(excluded, repository_path)) return std::nullopt;
  }
  for (const SourceMapping& mapping : source_mappings(role)) {
    const auto rest = below(mapping.from, repository_path);
    if (!rest) continue;
    std::string path = join(mapping.to, *rest);
    if (path.empty()) path = base_name(std::string(repository_path));  // the source is one file
    return path;
  }
  return std::nullopt;
}

std::optional<std::string> ownership_overlap(const Role& a, const Role& b) {
  if (a.target_path.empty() || b.target_path.empty()) return std::nullopt;
  for (const std::string& mine : owned_places(a)) {
    for (const std::string& theirs : owned_places(b)) {
      if (below(mine, theirs)) return theirs;
      if (below(theirs, mine)) return mine;
    }
  }
  return std::nullopt;
}

}  // namespace rolesync
