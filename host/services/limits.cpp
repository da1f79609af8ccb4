// SPDX-License-Identifier: Apache-2.0
#include "host/services/limits.hpp"

#include <fnmatch.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
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

std::string user_name(uid_t user) {
  std::string buffer(16384, '\0');
  passwd entry{}, *found = nullptr;
  ::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found);
  return found ? std::string(found->pw_name) : std::to_string(user);
}

// Whoever is named, by name or by number.
bool is_among(const std::vector<std::string>& users, uid_t user) {
  return std::any_of(users.begin(), users.end(), [&](const std::string& each) {
    return each == user_name(user) || each == std::to_string(user);
  });
}

Status check_user(const Limits& limits, uid_t user) {
  if (limits.command_users.empty() || is_among(limits.command_users, user)) return {};
  const std::string name = user_name(user);
  return Error{ErrorKind::denied, "command_user_not_allowed",
               "commands would run as " + name + ", who is not among the node's commands.users (" +
                   joined(limits.command_users) + "; " + rule_of(limits, "commands.users") + ")",
               "add \"" + name +
                   "\" to users under [commands] in the agent's config, or give the "
                   "role's files another owner"};
}

}  // namespace

std::string rule_of(const Limits& limits, const std::string& key) {
  const auto place = limits.places.find(key);
  if (place != limits.places.end()) return key + ", " + place->second;
  if (limits.config_file.empty()) return key + ", which no config sets";
  return key + ", which " + limits.config_file + " does not set";
}

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
  return Error{ErrorKind::denied, "path_not_allowed",
               path + " is not under the node's allowed_roots (" + joined(limits.allowed_roots) +
                   "; " + rule_of(limits, "allowed_roots") + ")",
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
                   joined(limits.allowed_units) + "; " + rule_of(limits, "allowed_units") + ")",
               "add \"" + (name.owner.empty() ? "" : name.owner + "/") + name.name +
                   "\" to allowed_units in the agent's config, or change the role's "
                   "service"};
}

Result<RunAs> command_user(const Limits& limits, uid_t owner, gid_t group) {
  if (!limits.commands_allowed) {
    return Error{ErrorKind::denied, "commands_not_allowed",
                 "the node's config does not allow roles to run commands (" +
                     rule_of(limits, "commands.allowed") + ")",
                 "set allowed = true under [commands] in the agent's config"};
  }
  // Without root we can only be ourselves.
  const uid_t user = ::geteuid() == 0 ? owner : ::geteuid();
  if (Status allowed = check_user(limits, user); !allowed) return allowed.error();
  if (::geteuid() != 0) return RunAs{};
  if (owner == 0 && !limits.commands_as_root) {
    return Error{ErrorKind::denied, "command_as_root",
                 "the role's files belong to root, and the node's config does not allow commands "
                 "as root (" +
                     rule_of(limits, "commands.as_root") + ")",
                 "give the role an owner, or set as_root = true under [commands]"};
  }
  if (owner == 0) return RunAs{};
  return RunAs{owner, group};
}

}  // namespace rolesync
