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

Result<Held> Installations::open(Entry& entry, std::unique_lock<std::mutex> lock,
                                 const Role& role) {
  if (entry.installation && entry.target == role.target_path && entry.owner == role.owner) {
    return Held(std::move(lock), entry.installation.get());
  }
  Result<std::string> root = allowed_root_of(config_.limits, role.target_path);
  if (!root) return root.error();
  // What is installed at the old target would be forgotten, and its files never removed.
  if (entry.installation && entry.target != role.target_path && entry.installation->current()) {
    return Error{ErrorKind::conflict, "target_changed",
                 "role " + role.name + " is installed at " + entry.target + " and would move to " +
                     role.target_path,
                 "undeploy it there first"};
  }
  entry.installation.reset();  // before it is opened again: it holds a lock file
  InstallationOptions options;
  options.root = *root;
  options.target = role.target_path;
  options.role = role.name;
  options.owner = role.owner;
  options.keep_releases = config_.keep_releases;
  for (const SourceMapping& mapping : source_mappings(role)) options.owned.push_back(mapping.to);
  Result<std::unique_ptr<Installation>> opened = Installation::open(fs_, std::move(options));
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

std::optional<Held> Installations::try_hold(const Role& role) {
  if (role.target_path.empty()) return std::nullopt;
  std::shared_ptr<Entry> found = entry(role.name);
  std::unique_lock lock(found->mutex, std::try_to_lock);
  if (!lock.owns_lock()) return std::nullopt;
  if (!found->installation) {
    // Opening makes directories: not for a role that was never here.
    Result<std::string> root = allowed_root_of(config_.limits, role.target_path);
    std::error_code failure;
    if (!root || !std::filesystem::exists(*root + "/.rolesync/" + role.name, failure)) {
      return std::nullopt;
    }
  }
  // A definition that has moved on does not move what is installed: that is looked at where it is.
  Role installed = role;
  if (found->installation) installed.target_path = found->target, installed.owner = found->owner;
  Result<Held> held = open(*found, std::move(lock), installed);
  if (held) return std::move(*held);
  log_event(LogLevel::warning, "installation.unusable",
            {{"role", role.name}, {"detail", held.error().text()}});
  return std::nullopt;
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

}  // namespace rolesync::agent
