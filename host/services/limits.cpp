// SPDX-License-Identifier: Apache-2.0
#include "host/services/limits.hpp"

#include <fnmatch.h>
#include <unistd.h>

#include <filesystem>

#include "host/values/names.hpp"

namespace rolesync {
namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string line;
  for (const std::string& text : texts) line += (line.empty() ? "" : ", ") + text;
  return line.empty() ? "nothing" : line;
}

bool contains(const std::filesystem::path& root, const std::filesystem::path& path) {
  auto part = path.begin();
  for (const auto& of_root : root) {
    if (of_root.empty()) continue;  // a trailing '/'
    if (part == path.end() || *part != of_root) return false;
    ++part;
  }
  return true;
}

// "user:NAME/" apart from the unit or the glob of units: a glob never reaches from the units of the
// system into those of a user, nor from one user's into another's.
struct OwnedName {
  std::string owner, name;
};

std::string short_name(const std::string& unit) {
  constexpr std::string_view suffix = ".service";
  return unit.ends_with(suffix) ? unit.substr(0, unit.size() - suffix.size()) : unit;
}

OwnedName owned_name(const std::string& unit) {
  const std::size_t slash = unit.starts_with("user:") ? unit.find('/') : std::string::npos;
  if (slash == std::string::npos) return {"", short_name(unit)};
  return {unit.substr(0, slash), short_name(unit.substr(slash + 1))};
}

}  // namespace

Result<std::string> allowed_root_of(const Limits& limits, const std::string& path) {
  if (Status status = check_target_path(path); !status) return status.error();
  std::error_code failure;
  const auto real = std::filesystem::weakly_canonical(path, failure);
  std::string best;
  if (!failure) {
    for (const std::string& root : limits.allowed_roots) {
      const auto real_root = std::filesystem::weakly_canonical(root, failure);
      if (!failure && contains(real_root, real) && root.size() > best.size()) best = root;
    }
  }
  if (!best.empty()) return best;
  return Error{
      ErrorKind::denied, "path_not_allowed",
      path + " is not under the node's allowed_roots (" + joined(limits.allowed_roots) + ")",
      "add its root to allowed_roots in the agent's config, or change the role's target"};
}

Status check_unit(const Limits& limits, const std::string& unit) {
  const OwnedName name = owned_name(unit);
  for (const std::string& pattern : limits.allowed_units) {
    const OwnedName allowed = owned_name(pattern);
    if (allowed.owner != name.owner) continue;
    if (::fnmatch(allowed.name.c_str(), name.name.c_str(), 0) == 0) return {};
  }
  return Error{ErrorKind::denied, "unit_not_allowed",
               "the unit " + unit + " is not in the node's allowed_units (" +
                   joined(limits.allowed_units) + ")",
               "add it to allowed_units in the agent's config"};
}

Result<RunAs> command_user(const Limits& limits, uid_t owner, gid_t group) {
  if (!limits.commands_allowed) {
    return Error{ErrorKind::denied, "commands_not_allowed",
                 "the node's config does not allow roles to run commands (commands.allowed)",
                 "set allowed = true under [commands] in the agent's config"};
  }
  if (::geteuid() != 0) return RunAs{};  // we can only be ourselves
  if (owner == 0 && !limits.commands_as_root) {
    return Error{ErrorKind::denied, "command_as_root",
                 "the role's files belong to root, and the node's config does not allow commands "
                 "as root (commands.as_root)",
                 "give the role an owner, or set as_root = true under [commands]"};
  }
  if (owner == 0) return RunAs{};
  return RunAs{owner, group};
}

}  // namespace rolesync
