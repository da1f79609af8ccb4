// SPDX-License-Identifier: Apache-2.0
#include "host/activation/installation.hpp"

#include "host/activation/in_place_installation.hpp"
#include "host/activation/journal.hpp"
#include "host/activation/known_file.hpp"
#include "host/activation/sealed_text.hpp"
#include "host/values/names.hpp"

namespace rolesync {
namespace {

Error invalid(std::string reason, std::string message, std::string hint) {
  return {ErrorKind::invalid, std::move(reason), std::move(message), std::move(hint)};
}

Error busy(const InstallationOptions& options, const std::string& state) {
  return {ErrorKind::conflict, "installation_busy",
          "another process or task works on role " + options.role + " in " + state,
          "wait until it is done"};
}

std::string shared_state(FileSystem& fs, const std::filesystem::path& root) {
  const Result<std::string> canonical = fs.canonical(root.string());
  const std::string top = canonical ? *canonical : root.string();
  return (top == "/" ? "" : top) + "/" + kStateName;
}

}  // namespace

// The way from root to target has no symlinks either, or every later operation refuses it.
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

const char* to_word(DriftKind kind) {
  switch (kind) {
    case DriftKind::changed:
      return "changed";
    case DriftKind::removed:
      return "removed";
    case DriftKind::mode_changed:
      return "mode_changed";
    case DriftKind::replaced:
      return "replaced";
    case DriftKind::added:
      return "added";
  }
  return "changed";
}

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
  if (!lock) return lock.error().reason == "locked" ? busy(options, state->top()) : lock.error();
  auto installation = std::make_unique<InPlaceInstallation>(fs, std::move(options),
                                                            std::move(*state), std::move(*lock));
  if (Status status = installation->load(); !status) return status.error();
  return std::unique_ptr<Installation>(std::move(installation));
}

Result<std::string> Installation::set_aside(FileSystem& fs, InstallationOptions options) {
  if (Status status = make_canonical(fs, options); !status) return status.error();
  const std::string shared = shared_state(fs, options.root);
  const std::string top = shared + "/" + options.role;
  const auto found = look(fs, top);
  if (!found) return found.error();
  if (!*found) return std::string();
  // Held until it has its new name; a lock file that cannot be had is part of the damage.
  const Result<std::unique_ptr<FileLock>> lock = fs.lock(top + "/lock");
  if (!lock && lock.error().reason == "locked") return busy(options, top);
  std::string aside;
  Status moved;
  for (int i = 1; i == 1 || (!moved && moved.error().reason == "eexist"); ++i) {
    aside = top + ".damaged-" + std::to_string(i);  // no role's name has a '.'
    moved = fs.rename_new(top, aside);
  }
  if (moved) moved = fs.sync_directory(shared);
  return moved ? Result<std::string>(aside) : moved.error();
}

std::vector<std::string> roles_with_state(FileSystem& fs, const std::filesystem::path& root) {
  std::vector<std::string> roles;
  const Result<std::vector<std::string>> names = fs.list(shared_state(fs, root));
  if (!names) return roles;
  for (const std::string& name : *names) {
    if (!is_name(name)) continue;
    const Result<std::filesystem::path> target = target_with_state(fs, root, name);
    // What cannot be read counts too: open() will say what is wrong with it.
    if (target || target.error().kind != ErrorKind::not_found) roles.push_back(name);
  }
  return roles;
}

Result<std::filesystem::path> target_with_state(FileSystem& fs, const std::filesystem::path& root,
                                                const std::string& role) {
  const std::string state = shared_state(fs, root) + "/" + role;
  const bool interrupted = fs.stat(state + "/journal").ok();
  for (const std::string& name : {state + "/marker", state + "/marker.next"}) {
    const auto text = read_if_there(fs, name);
    if (!text) return text.error();
    if (!*text) continue;
    if (name.ends_with(".next") && !interrupted) {
      return state_damaged(state + "/journal", kJournalLost);
    }
    const Result<MarkerRecord> record = parse_marker_record(**text, name);
    if (!record) return record.error();
    if (!record->removed || interrupted) return root / record->target;
  }
  if (interrupted) return state_damaged(state + "/marker.next", "it is missing");
  return Error{ErrorKind::not_found, "no_state",
               "role " + role + " is not installed under " + root.string()};
}

}  // namespace rolesync
