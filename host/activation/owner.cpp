// SPDX-License-Identifier: Apache-2.0
#include "host/activation/owner.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include "host/activation/known_file.hpp"

namespace rolesync {
namespace {

Error unknown(const std::string& what, const std::string& name) {
  return {ErrorKind::invalid, "unknown_owner", "this node has no " + what + " \"" + name + "\"",
          "create it, or change the role's owner"};
}

std::optional<passwd> user_named(const std::string& name, std::vector<char>& buffer) {
  passwd entry{};
  passwd* found = nullptr;
  buffer.resize(16'384);
  ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  return found ? std::optional<passwd>(entry) : std::nullopt;
}

std::optional<gid_t> group_named(const std::string& name) {
  group entry{};
  group* found = nullptr;
  std::vector<char> buffer(65'536);
  ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  return found ? std::optional<gid_t>(entry.gr_gid) : std::nullopt;
}

}  // namespace

Result<Owner> resolve_owner(FileSystem& fs, const std::string& owner, const std::string& target) {
  if (!owner.empty()) {
    const std::size_t colon = owner.find(':');
    const std::string user = owner.substr(0, colon);
    std::vector<char> buffer;
    const auto known = user_named(user, buffer);
    if (!known) return unknown("user", user);
    Owner out{known->pw_uid, known->pw_gid, true};
    if (colon == std::string::npos) return out;
    const auto group = group_named(owner.substr(colon + 1));
    if (!group) return unknown("group", owner.substr(colon + 1));
    out.gid = *group;
    return out;
  }
  for (std::string path = target; !path.empty(); path.resize(path.find_last_of('/'))) {
    const auto found = look(fs, path);
    if (!found) return found.error();
    if (*found) return Owner{(*found)->uid, (*found)->gid, false};
  }
  return Owner{::geteuid(), ::getegid(), false};
}

Status give_to(FileSystem& fs, const Owner& owner, const std::string& path) {
  const Result<FileStat> found = fs.stat(path);
  if (!found) return found.error();
  if (found->uid == owner.uid && found->gid == owner.gid) return {};
  Status given = fs.set_owner(path, owner.uid, owner.gid);
  // Without root, files we make for a target of somebody else simply stay ours.
  if (!given && given.error().kind == ErrorKind::denied && !owner.required) return {};
  return given;
}

}  // namespace rolesync
