// SPDX-License-Identifier: Apache-2.0
#include "host/agent/recovery.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "host/agent/log.hpp"
#include "host/services/durable_file.hpp"

namespace rolesync::agent {
namespace {
std::string running_path(const AgentConfig& config) {
  return config.state_dir + "/running";
}
}  // namespace

Status recover_installations(Installations& installations) {
  std::optional<Error> first;
  for (const Role& role : installations.known_roles()) {
    Result<Held> held = installations.hold(role);
    if (held) continue;  // opening an interrupted installation ends its switch
    log_event(LogLevel::error, "recovery.failed",
              {{"role", role.name}, {"detail", held.error().text()}});
    if (!first) first = held.error();
  }
  return first ? Status(*first) : Status();
}

Result<UniqueFd> lock_state(const AgentConfig& config) {
  if (Status made = make_directories(config.state_dir); !made) return made.error();
  UniqueFd file(::open((config.state_dir + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  return Error{ErrorKind::conflict, "agent_running",
               "another agent uses the state directory " + config.state_dir,
               "stop it first, or give this one a state directory of its own"};
}

void remove_leftovers(const AgentConfig& config) {
  std::error_code failure;
  const std::filesystem::path state(config.state_dir);
  for (const auto& entry : std::filesystem::directory_iterator(state / "run", failure)) {
    std::filesystem::remove_all(entry.path(), failure);
  }
  for (const auto& directory : {state, state / "tasks", state / "roles"}) {
    for (const auto& entry : std::filesystem::directory_iterator(directory, failure)) {
      if (entry.path().extension() == ".new") ::unlink(entry.path().c_str());
    }
  }
}

bool begin_run(const AgentConfig& config, const std::string& boot_id) {
  Result<std::optional<std::string>> before = read_if_there(running_path(config));
  (void)write_durably(running_path(config), boot_id);
  return before && before->has_value() && **before != boot_id;
}

void end_run(const AgentConfig& config) {
  ::unlink(running_path(config).c_str());
}

}  // namespace rolesync::agent
