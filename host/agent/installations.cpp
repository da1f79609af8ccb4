// SPDX-License-Identifier: Apache-2.0
#include "host/agent/installations.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/agent/log.hpp"
#include "host/role/role_paths.hpp"
#include "host/services/durable_file.hpp"
#include "host/services/limits.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {

Installations::Installations(FileSystem& fs, const AgentConfig& config)
    : fs_(fs), config_(config) {}

std::shared_ptr<Installations::Entry> Installations::entry(const std::string& role) {
  std::lock_guard lock(mutex_);
  std::shared_ptr<Entry>& found = entries_[role];
  if (!found) found = std::make_shared<Entry>();
  return found;
}

Result<InstallationOptions> Installations::options_for(const Role& role) const {
  Result<std::string> root = allowed_root_of(config_.limits, role.target_path);
  if (!root) return root.error();
  InstallationOptions options;
  options.root = *root;
  options.target = role.target_path;
  options.role = role.name;
  options.owner = role.owner;
  options.keep_releases = config_.keep_releases;
  for (const SourceMapping& mapping : source_mappings(role)) options.owned.push_back(mapping.to);
  return options;
}

Result<Held> Installations::open(Entry& entry, std::unique_lock<std::mutex> lock,
                                 const Role& role) {
  // Whoever damages our record while we live must not find us going on from memory.
  if (entry.installation && !entry.installation->intact()) entry.installation.reset();
  if (entry.installation && entry.target == role.target_path && entry.owner == role.owner) {
    return Held(std::move(lock), entry.installation.get());
  }
  Result<InstallationOptions> options = options_for(role);
  if (!options) return options.error();
  // What is installed at the old target would be forgotten, and its files never removed.
  if (entry.installation && entry.target != role.target_path && entry.installation->current()) {
    return Error{ErrorKind::conflict, "target_changed",
                 "role " + role.name + " is installed at " + entry.target + " and would move to " +
                     role.target_path,
                 "undeploy it there first"};
  }
  entry.installation.reset();  // before it is opened again: it holds a lock file
  Result<std::unique_ptr<Installation>> opened = Installation::open(fs_, std::move(*options));
  if (!opened) return opened.error();
  if ((*opened)->interrupted()) {
    Result<std::string> done = (*opened)->recover();
    if (!done) return done.error();
    log_event(LogLevel::warning, "recovery.done", {{"role", role.name}, {"result", *done}});
  }
  entry.installation = std::move(*opened);
  entry.target = role.target_path;
  entry.owner = role.owner;
  return Held(std::move(lock), entry.installation.get());
}

Result<Held> Installations::hold(const Role& role) {
  std::shared_ptr<Entry> found = entry(role.name);
  return open(*found, std::unique_lock(found->mutex), role);
}

Result<std::optional<Held>> Installations::try_hold(const Role& role) {
  if (role.target_path.empty()) return std::optional<Held>();
  std::shared_ptr<Entry> found = entry(role.name);
  std::unique_lock lock(found->mutex, std::try_to_lock);
  if (!lock.owns_lock()) return std::optional<Held>();
  Result<std::optional<Held>> held = open_known(*found, std::move(lock), role);
  // It is asked for again and again: said once.
  const std::string trouble = held ? "" : held.error().text();
  if (!trouble.empty() && trouble != found->trouble) {
    log_event(LogLevel::error, "installation.unusable",
              {{"role", role.name}, {"reason", held.error().reason}, {"detail", trouble}});
  }
  found->trouble = trouble;
  return held;
}

Result<std::optional<Held>> Installations::hold_known(const Role& role) {
  std::shared_ptr<Entry> found = entry(role.name);
  return open_known(*found, std::unique_lock(found->mutex), role);
}

Result<std::optional<Held>> Installations::open_known(Entry& entry,
                                                      std::unique_lock<std::mutex> lock,
                                                      const Role& role) {
  if (entry.installation && !entry.installation->intact()) entry.installation.reset();
  if (!entry.installation) {
    // Opening makes directories: not for a role that was never here.
    Result<std::string> root = allowed_root_of(config_.limits, role.target_path);
    if (!root) return std::optional<Held>();
    std::error_code failure;
    if (!std::filesystem::exists(*root + "/.rolesync/" + role.name, failure)) {
      Status present = check_presence(entry, role);
      return present ? Result<std::optional<Held>>(std::optional<Held>()) : present.error();
    }
  }
  // A definition that has moved on does not move what is installed: that is looked at where it is.
  Role installed = role;
  if (entry.installation) installed.target_path = entry.target, installed.owner = entry.owner;
  Result<Held> held = open(entry, std::move(lock), installed);
  if (!held) return held.error();
  if (Status present = check_presence(entry, installed); !present) return present.error();
  return std::optional<Held>(std::move(*held));
}

// Keeps in mind, outside of the role's own state, that something is installed, so that the loss of
// that state is not taken for a node on which nothing ever was.
Status Installations::check_presence(Entry& entry, const Role& role) {
  std::error_code failure;
  const bool record = entry.installation && entry.installation->has_record();
  if (record && entry.installation->current()) {
    if (entry.noted) return {};
    Status written = make_directories(config_.state_dir + "/roles");
    if (written) written = write_durably(note_path(role.name), role.target_path + "\n");
    entry.noted = written.ok();
    return {};
  }
  entry.noted = false;
  if (!std::filesystem::exists(note_path(role.name), failure)) return {};
  if (record || target_is_empty(role)) {  // undeployed, or wiped with all that was there
    std::filesystem::remove(note_path(role.name), failure);
    return {};
  }
  return Error{ErrorKind::failed, "state_missing",
               "role " + role.name + " was installed in " + role.target_path +
                   ", but the record of it is gone",
               "find out what is there with rolesync node identify, then rolesync node adopt"};
}

Result<Held> Installations::hold_for_adoption(const Role& role, std::string& aside) {
  std::shared_ptr<Entry> found = entry(role.name);
  Result<Held> held = open(*found, std::unique_lock(found->mutex), role);
  if (held) return held;
  const std::string& reason = held.error().reason;
  if (reason != "state_damaged" && reason != "state_newer") return held;
  Result<InstallationOptions> options = options_for(role);
  if (!options) return options.error();
  std::unique_lock lock(found->mutex);
  found->installation.reset();
  Result<std::string> moved = Installation::set_aside(fs_, std::move(*options));
  if (!moved) return moved.error();
  aside = *moved;
  log_event(LogLevel::warning, "installation.set_aside",
            {{"role", role.name}, {"reason", reason}, {"kept", aside}});
  return open(*found, std::move(lock), role);
}

std::string Installations::note_path(const std::string& role) const {
  return config_.state_dir + "/roles/" + role + ".installed";
}

std::string Installations::memory_path(const std::string& role) const {
  return config_.state_dir + "/roles/" + role + ".json";
}

Status Installations::remember(const Role& role) {
  if (Status made = make_directories(config_.state_dir + "/roles"); !made) return made;
  const std::string text = to_text(role_to_json(role));
  Result<std::optional<std::string>> before = read_if_there(memory_path(role.name));
  if (before && *before == text) return {};
  return write_durably(memory_path(role.name), text);
}

std::vector<Role> Installations::known_roles() const {
  std::vector<Role> roles;
  std::error_code failure;
  for (const auto& file :
       std::filesystem::directory_iterator(config_.state_dir + "/roles", failure)) {
    if (file.path().extension() != ".json") continue;
    Result<std::optional<std::string>> text = read_if_there(file.path());
    if (!text || !text->has_value()) continue;
    Result<Json> json = parse_json(**text);
    Result<Role> role = json ? role_from_json(*json) : Result<Role>(json.error());
    if (role) {
      roles.push_back(std::move(*role));
    } else {
      log_event(LogLevel::error, "roles.memory_damaged",
                {{"file", file.path()}, {"detail", role.error().message}});
    }
  }
  return roles;
}

bool target_is_empty(const Role& role) {
  std::error_code failure;
  for (const SourceMapping& mapping : source_mappings(role)) {
    const std::filesystem::path place = std::filesystem::path(role.target_path) / mapping.to;
    const auto status = std::filesystem::symlink_status(place, failure);
    if (!std::filesystem::exists(status)) continue;
    if (!std::filesystem::is_directory(status)) return false;
    const std::filesystem::directory_iterator entries(place, failure);
    if (failure || entries != std::filesystem::directory_iterator()) return false;
  }
  return true;
}

}  // namespace rolesync::agent
