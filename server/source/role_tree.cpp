// SPDX-License-Identifier: Apache-2.0
#include "server/source/role_tree.hpp"

#include <algorithm>

#include "host/role/role_paths.hpp"
#include "host/values/names.hpp"
#include "server/source/text.hpp"

namespace rolesync::source {
namespace {

constexpr std::size_t longest_name = 255;

Error refused(const char* reason, const Role& role, const TreeEntry& entry, const char* why,
              const char* hint) {
  return {ErrorKind::invalid, reason,
          "role \"" + role.name + "\": " + repair_utf8(entry.path) + " " + why, hint};
}

bool has_long_name(std::string_view path) {
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > longest_name) return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

Status check(const Role& role, const TreeEntry& entry, const std::string& target) {
  if (entry.mode == "160000") {
    return refused("submodule_refused", role, entry, "is a submodule, which cannot be delivered",
                   "exclude the path in the role, or replace the submodule by its files");
  }
  if (!file_mode(entry.mode)) {
    return refused("mode_refused", role, entry, "has a mode that cannot be delivered",
                   "only files, executable files and symlinks can be delivered");
  }
  if (target.size() > 4096 || has_long_name(target)) {
    return refused("path_too_long", role, entry, "has a name that is too long for a disk",
                   "at most 255 bytes per name and 4096 in all");
  }
  if (!is_relative_path(target) || target == ".rolesync" || target.starts_with(".rolesync/")) {
    return refused("path_refused", role, entry, "would leave the target or touch our own state",
                   "rename it, or exclude it in the role");
  }
  if (entry.mode == "120000" && (entry.link.empty() || !check_symlink(target, entry.link))) {
    return refused("unsafe_symlink", role, entry,
                   "is a symlink that is absolute or leaves the role",
                   "use a relative link to a file of the same role, or exclude it");
  }
  return {};
}

// Cheaper than target_of for the many files that belong to other roles.
bool may_contain(const std::vector<SourceMapping>& mappings, const std::string& path) {
  return std::any_of(mappings.begin(), mappings.end(),
                     [&](const SourceMapping& mapping) { return path.starts_with(mapping.from); });
}

}  // namespace

Result<Manifest> role_manifest(const std::vector<TreeEntry>& tree, const Role& role) {
  const std::vector<SourceMapping> mappings = source_mappings(role);
  std::vector<ManifestEntry> entries;
  for (const TreeEntry& entry : tree) {
    if (!may_contain(mappings, entry.path)) continue;
    const auto target = target_of(role, entry.path);
    if (!target) continue;
    if (const Status fine = check(role, entry, *target); !fine) return fine.error();
    entries.push_back({*file_mode(entry.mode), entry.id, entry.size, *target});
  }
  auto manifest = Manifest::from_entries(std::move(entries));
  if (!manifest) {
    return Error{ErrorKind::invalid, "paths_collide",
                 "role \"" + role.name + "\": " + manifest.error().message,
                 "give its source paths different places under the target"};
  }
  return manifest;
}

}  // namespace rolesync::source
