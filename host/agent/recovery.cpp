// SPDX-License-Identifier: Apache-2.0
#include "host/agent/recovery.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "host/agent/log.hpp"
#include "host/agent/role_plugins.hpp"
#include "host/services/durable_file.hpp"

namespace rolesync::agent {
namespace {
std::string running_path(const AgentConfig& config) {
  return config.state_dir + "/running";
}
std::string lock_path(const AgentConfig& config) {
  return config.state_dir + "/lock";
}
constexpr int kStateFormat = 1;
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
  UniqueFd file(::open(lock_path(config).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  return Error{ErrorKind::conflict, "agent_running",
               "another agent uses the state directory " + config.state_dir,
               "stop it first, or give this one a state directory of its own"};
}

void remove_leftovers(const AgentConfig& config) {
  std::error_code failure;
  const std::filesystem::path state(config.state_dir);
  for (const auto& entry : std::filesystem::directory_iterator(state / "run", failure)) {
    // What stands there still runs, and is ended before its record goes.
    if (entry.path() != programs_root(config)) std::filesystem::remove_all(entry.path(), failure);
  }
  for (const auto& directory : {state, state / "tasks", state / "roles"}) {
    for (const auto& entry : std::filesystem::directory_iterator(directory, failure)) {
      if (entry.path().extension() == ".new") ::unlink(entry.path().c_str());
    }
  }
}

std::optional<std::string> lock_holder(const AgentConfig& config) {
  struct stat found {};
  if (::stat(lock_path(config).c_str(), &found) != 0) return std::nullopt;
  const std::string inode = ":" + std::to_string(found.st_ino);
  std::ifstream in("/proc/locks");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string number, kind, advisory, access, pid, place;
    fields >> number >> kind >> advisory >> access >> pid >> place;
    if (kind == "FLOCK" && place.ends_with(inode)) return pid;
  }
  return std::nullopt;
}

Status check_state_format(const AgentConfig& config) {
  const std::string path = config.state_dir + "/format";
  Result<std::optional<std::string>> text = read_if_there(path);
  if (!text) return text.error();
  if (!text->has_value()) return write_durably(path, std::to_string(kStateFormat) + "\n");
  int format = 0;
  const char* end = (*text)->data() + (*text)->size();
  if (std::from_chars((*text)->data(), end, format).ec != std::errc() || format < 1) {
    return Error{ErrorKind::invalid, "state_damaged", path + " holds no number",
                 "write 1 into it when the state was written by this version"};
  }
  if (format <= kStateFormat) return {};
  return Error{ErrorKind::conflict, "state_newer",
               config.state_dir + " was written by a newer agent (format " +
                   std::to_string(format) + ", this one knows " + std::to_string(kStateFormat) +
                   ")",
               "start the newer agent again, or let the node join anew with an empty state_dir"};
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
