// SPDX-License-Identifier: Apache-2.0
#include "host/agent/self_update/attempt.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "host/process/unique_fd.hpp"
#include "host/services/durable_file.hpp"
#include "host/services/file_system.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {
namespace {

Error damaged(const std::string& path) {
  return {ErrorKind::invalid, "state_damaged",
          path + " is not the record of an update of the agent",
          "remove it when the agent that runs is the right one"};
}

std::string text(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

std::optional<ProcessIdentity> process_from(const Json& json) {
  const auto it = json.find("process");
  if (it == json.end() || !it->is_object() || !it->contains("pid") ||
      !(*it)["pid"].is_number_integer() || !it->contains("start_time") ||
      !(*it)["start_time"].is_number_unsigned()) {
    return std::nullopt;
  }
  return ProcessIdentity{(*it)["pid"].get<pid_t>(), (*it)["start_time"].get<std::uint64_t>(),
                         text(*it, "boot_id")};
}

// Not by its path: what runs now counts, whatever stands there meanwhile.
Status copy_our_program(const std::string& to) {
  const auto cannot = [&] {
    const int reason = errno;
    return Error{reason == ENOSPC || reason == EDQUOT ? ErrorKind::unavailable : ErrorKind::failed,
                 reason == ENOSPC || reason == EDQUOT ? "disk_full" : "state_unwritable",
                 "cannot keep a copy of the agent in " + to + ": " + std::strerror(reason),
                 "check space and permissions of the state directory"};
  };
  ::unlink(to.c_str());
  const UniqueFd from(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const UniqueFd copy(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0700));
  if (!from || !copy) return cannot();
  for (;;) {
    const ssize_t sent = ::sendfile(copy.get(), from.get(), nullptr, 1 << 20);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return cannot();
    if (sent == 0) break;
  }
  return ::fsync(copy.get()) == 0 ? Status() : Status(cannot());
}

}  // namespace

bool Attempt::is_this_process() const {
  return process && process == identify_process(::getpid());
}

Result<std::optional<Attempt>> AttemptStore::load() const {
  const Result<std::optional<std::string>> stored = read_if_there(path());
  if (!stored) return stored.error();
  if (!stored->has_value()) return std::optional<Attempt>();
  const Result<Json> json = parse_json(**stored);
  if (!json || !json->is_object() || !json->contains("role")) return damaged(path());
  Result<Role> role = role_from_json((*json)["role"]);
  Attempt attempt;
  attempt.task_id = text(*json, "task_id");
  attempt.program = text(*json, "program");
  if (!role || attempt.task_id.empty() || attempt.program.empty()) return damaged(path());
  attempt.role = std::move(*role);
  const auto arguments = json->find("arguments");
  if (arguments != json->end() && arguments->is_array()) {
    for (const Json& each : *arguments) {
      if (each.is_string()) attempt.arguments.push_back(each.get<std::string>());
    }
  }
  const auto supervised = json->find("supervised");
  attempt.supervised = supervised != json->end() && *supervised == true;
  attempt.process = process_from(*json);
  return std::optional<Attempt>(std::move(attempt));
}

Status AttemptStore::save(const Attempt& attempt) {
  if (Status made = make_directories(directory_); !made) return made;
  Json json{{"task_id", attempt.task_id},
            {"role", role_to_json(attempt.role)},
            {"program", attempt.program},
            {"arguments", attempt.arguments},
            {"supervised", attempt.supervised}};
  if (attempt.process) {
    json["process"] = {{"pid", attempt.process->pid},
                       {"start_time", attempt.process->start_time},
                       {"boot_id", attempt.process->boot_id}};
  }
  return write_durably(path(), to_text(json));
}

Status AttemptStore::remove() {
  if (::unlink(path().c_str()) != 0 && errno != ENOENT) {
    return Error{ErrorKind::failed, "state_unwritable",
                 "cannot remove " + path() + ": " + std::strerror(errno),
                 "check the permissions of the state directory"};
  }
  const UniqueFd directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory && ::fsync(directory.get()) != 0) {
    return Error{ErrorKind::failed, "state_unwritable",
                 "cannot sync " + directory_ + ": " + std::strerror(errno),
                 "check the disk of the state directory"};
  }
  ::unlink(kept_program().c_str());
  return {};
}

Status AttemptStore::keep_program() {
  if (Status made = make_directories(directory_); !made) return made;
  const std::string copy = kept_program() + ".new";
  if (Status copied = copy_our_program(copy); !copied) return copied;
  FileSystem& fs = real_file_system();
  if (Status renamed = fs.rename(copy, kept_program()); !renamed) return renamed;
  return fs.sync_directory(directory_);
}

}  // namespace rolesync::agent
