// SPDX-License-Identifier: Apache-2.0
#include "host/activation/installation.hpp"

#include "host/activation/in_place_installation.hpp"
#include "host/values/names.hpp"

namespace rolesync {
namespace {

Error invalid(std::string reason, std::string message, std::string hint) {
  return {ErrorKind::invalid, std::move(reason), std::move(message), std::move(hint)};
}

// Root and target without symlinks on the way to the root; the way from root to target has none
// either, or every later operation refuses it.
Status make_canonical(FileSystem& fs, InstallationOptions& options) {
  const std::string root = options.root.lexically_normal().string();
  const std::string target = options.target.lexically_normal().string();
  if (Status status = check_target_path(target); !status) return status;
  if (root.empty() || root.front() != '/') {
    return invalid("invalid_root", "the allowed root \"" + root + "\" is not absolute",
                   "give an absolute directory such as /srv");
  }
  const std::string prefix = root.ends_with('/') ? root : root + "/";
  if (!target.starts_with(prefix) || target.size() == prefix.size()) {
    return invalid("target_outside_root",
                   "the target " + target + " is not below the allowed root " + root,
                   "the role's state is kept beside the target: allow a directory above it");
  }
  Result<std::string> canonical = fs.canonical(root);
  if (!canonical) return canonical.error();
  if (*canonical == "/") canonical->clear();
  options.target = *canonical + "/" + target.substr(prefix.size());
  options.root = canonical->empty() ? "/" : *canonical;
  return {};
}

}  // namespace

Result<std::unique_ptr<Installation>> Installation::open(FileSystem& fs,
                                                         InstallationOptions options) {
  if (!is_name(options.role)) {
    return invalid("invalid_role_name", "\"" + options.role + "\" is not a role name",
                   "use lower-case letters, digits and '-'");
  }
  if (Status status = make_canonical(fs, options); !status) return status.error();
  const std::string root = options.root == "/" ? "" : options.root.string();
  Result<StateDirectory> state = StateDirectory::prepare(fs, root, options.role);
  if (!state) return state.error();
  Result<std::unique_ptr<FileLock>> lock = fs.lock(state->lock());
  if (!lock) {
    if (lock.error().reason != "locked") return lock.error();
    return Error{ErrorKind::conflict, "installation_busy",
                 "another process or task works on role " + options.role + " in " + state->top(),
                 "wait until it is done"};
  }
  auto installation = std::make_unique<InPlaceInstallation>(fs, std::move(options),
                                                            std::move(*state), std::move(*lock));
  if (Status status = installation->load(); !status) return status.error();
  return std::unique_ptr<Installation>(std::move(installation));
}

std::vector<std::string> roles_with_state(FileSystem& fs, const std::filesystem::path& root) {
  std::vector<std::string> roles;
  const Result<std::string> canonical = fs.canonical(root.string());
  if (!canonical) return roles;
  const std::string top = (*canonical == "/" ? "" : *canonical) + "/" + kStateName;
  const Result<std::vector<std::string>> names = fs.list(top);
  if (!names) return roles;
  for (const std::string& name : *names) {
    const std::string state = top + "/" + name;
    if (!is_name(name)) continue;
    bool counts = fs.stat(state + "/journal").ok();
    if (!counts && fs.stat(state + "/marker").ok()) {
      // Not readable counts too: open() will say what is wrong with it.
      const Result<std::string> text = fs.read(state + "/marker");
      const auto record =
          text ? parse_release_record(*text, state) : Result<ReleaseRecord>(text.error());
      counts = !record || !record->removed;
    }
    if (counts) roles.push_back(name);
  }
  return roles;
}

}  // namespace rolesync
