// SPDX-License-Identifier: Apache-2.0
#include "host/services/linux/systemd_job.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "host/services/linux/systemd_state.hpp"

namespace rolesync::systemd {
namespace {

// Collects the JobRemoved signals, of which one is that of our job.
struct JobWatch {
  std::string path, result;
  static int on_removed(sd_bus_message* message, void* self, sd_bus_error*) {
    auto* watch = static_cast<JobWatch*>(self);
    std::uint32_t id = 0;
    const char *path = nullptr, *unit = nullptr, *result = nullptr;
    if (sd_bus_message_read(message, "uoss", &id, &path, &unit, &result) >= 0) {
      watch->ended.emplace_back(path, result);
    }
    return 0;
  }
  // A quick job may be gone before the reply with its path was read.
  bool done() {
    for (const auto& [job, how] : ended) {
      if (job == path) result = how;
    }
    return !result.empty();
  }
  std::vector<std::pair<std::string, std::string>> ended;
};

const char* method_name(UnitAction action) {
  switch (action) {
    case UnitAction::start:
      return "StartUnit";
    case UnitAction::stop:
      return "StopUnit";
    case UnitAction::restart:
      return "RestartUnit";
    case UnitAction::reload:
      return "ReloadUnit";
    case UnitAction::try_restart:
      return "TryRestartUnit";
    case UnitAction::reload_or_restart:
      return "ReloadOrRestartUnit";
  }
  return "";
}

Error missing(const UnitAddress& unit) {
  return {ErrorKind::not_found, "unit_missing", "there is no unit " + unit.text(),
          "install the unit file on the node, then run systemctl daemon-reload"};
}

Error masked(const UnitAddress& unit) {
  const char* scope = unit.user.empty() ? "systemctl unmask " : "systemctl --user unmask ";
  return {ErrorKind::failed, "unit_masked", "the unit " + unit.text() + " is masked",
          scope + unit.name + " on the node allows it to be started"};
}

Error invalid(const UnitAddress& unit, const std::string& why) {
  return {ErrorKind::failed, "unit_invalid",
          "systemd cannot use the unit file of " + unit.text() + (why.empty() ? "" : ": " + why),
          "`systemd-analyze verify " + unit.name + "` on the node says which line"};
}

std::string load_error(sd_bus* bus, const char* path) {
  sd_bus_message* raw = nullptr;
  if (sd_bus_get_property(bus, kDestination, path, kUnit, "LoadError", nullptr, &raw, "(ss)") < 0) {
    return "";
  }
  Message reply(raw);
  const char *name = nullptr, *message = nullptr;
  return sd_bus_message_read(raw, "(ss)", &name, &message) < 0 ? "" : message;
}

// The unit as systemd has it in memory, read first when it was not.
std::string loaded_path(sd_bus* bus, const std::string& name) {
  sd_bus_message* raw = nullptr;
  if (sd_bus_call_method(bus, kDestination, kManagerPath, kManager, "LoadUnit", nullptr, &raw, "s",
                         name.c_str()) < 0) {
    return "";
  }
  Message reply(raw);
  const char* path = nullptr;
  return sd_bus_message_read(raw, "o", &path) < 0 ? "" : path;
}

// systemd forgets earlier crashes, or it would refuse to start a unit that crashed too often; and
// it reads unit files again when this one was changed, perhaps by the release to be started. Says
// what would make the start pointless before anything is stopped for it.
std::optional<Error> prepare_start(sd_bus* bus, const UnitAddress& unit) {
  sd_bus_call_method(bus, kDestination, kManagerPath, kManager, "ResetFailedUnit", nullptr, nullptr,
                     "s", unit.name.c_str());
  const std::string path = loaded_path(bus, unit.name);
  if (path.empty()) return std::nullopt;
  if (flag(bus, path.c_str(), kUnit, "NeedDaemonReload")) {
    sd_bus_call_method(bus, kDestination, kManagerPath, kManager, "Reload", nullptr, nullptr, "");
  }
  const std::string state = text(bus, path.c_str(), kUnit, "LoadState");
  if (state == "not-found") return missing(unit);
  if (state == "masked") return masked(unit);
  if (state == "bad-setting" || state == "error") {
    return invalid(unit, load_error(bus, path.c_str()));
  }
  return std::nullopt;
}

std::optional<Error> check_reload(sd_bus* bus, const UnitAddress& unit) {
  const std::string path = loaded_path(bus, unit.name);
  if (path.empty()) return std::nullopt;
  if (text(bus, path.c_str(), kUnit, "ActiveState") != "active") {
    return Error{ErrorKind::failed, "unit_reload_unsupported",
                 unit.text() + " does not run, so it cannot be reloaded",
                 "start it, or let the strategy's option action be reload-or-restart"};
  }
  if (flag(bus, path.c_str(), kUnit, "CanReload")) return std::nullopt;
  return Error{ErrorKind::failed, "unit_reload_unsupported",
               unit.text() + " cannot be reloaded: its unit file has no ExecReload=",
               "give it one, or let the strategy's option action be restart"};
}

std::optional<Error> enqueue(sd_bus* bus, UnitAction action, const UnitAddress& unit,
                             JobWatch& watch) {
  BusError error;
  sd_bus_message* raw = nullptr;
  const int code =
      sd_bus_call_method(bus, kDestination, kManagerPath, kManager, method_name(action),
                         &error.error, &raw, "ss", unit.name.c_str(), "replace");
  Message reply(raw);
  if (code >= 0) {
    const char* path = nullptr;
    if (sd_bus_message_read(reply.get(), "o", &path) >= 0) watch.path = path;
    return std::nullopt;
  }
  if (error.is("org.freedesktop.systemd1.NoSuchUnit")) return missing(unit);
  if (error.is("org.freedesktop.systemd1.UnitMasked")) return masked(unit);
  if (error.is("org.freedesktop.systemd1.BadUnitSetting") ||
      error.is("org.freedesktop.systemd1.LoadFailed")) {
    return invalid(unit, error.text(code));
  }
  const bool denied = error.is(SD_BUS_ERROR_ACCESS_DENIED) ||
                      error.is(SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
  return Error{denied ? ErrorKind::denied : ErrorKind::failed, "unit_failed",
               std::string("cannot ") + verb(action) + " " + unit.text() + ": " + error.text(code),
               denied ? "run the agent as root or give it a polkit rule" : ""};
}

std::optional<Error> wait(sd_bus* bus, JobWatch& watch, UnitAction action, const UnitAddress& unit,
                          std::chrono::milliseconds limit, const CancelFlag* cancelled) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!watch.done()) {
    int code = sd_bus_process(bus, nullptr);
    if (code < 0) return lost_bus(code);
    if (code > 0) continue;
    const auto left = until - std::chrono::steady_clock::now();
    if (left.count() <= 0) {
      // Not an error that is tried again: the job is systemd's, and still runs.
      return Error{ErrorKind::failed, "unit_timeout",
                   std::string("the ") + verb(action) + " of " + unit.text() +
                       " did not end within " + std::to_string(limit.count() / 1000) + " s",
                   "look at the unit's Type=, TimeoutStartSec= and TimeoutStopSec=, and at the "
                   "strategy's option timeout_seconds"};
    }
    if (cancelled && cancelled->load()) {
      return Error{ErrorKind::conflict, "cancelled", "the call was cancelled"};
    }
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(left).count();
    code = sd_bus_wait(bus, static_cast<std::uint64_t>(std::min<std::int64_t>(us, 100'000)));
    if (code < 0 && code != -EINTR) return lost_bus(code);
  }
  return std::nullopt;
}

}  // namespace

Result<UnitStatus> run_job(sd_bus* bus, UnitAction action, const UnitAddress& unit,
                           std::chrono::milliseconds limit, const CancelFlag* cancelled) {
  JobWatch watch;
  sd_bus_match_signal(bus, nullptr, kDestination, kManagerPath, kManager, "JobRemoved",
                      &JobWatch::on_removed, &watch);
  int code = sd_bus_call_method(bus, kDestination, kManagerPath, kManager, "Subscribe", nullptr,
                                nullptr, "");
  if (code < 0) return lost_bus(code);
  if (action != UnitAction::stop) {
    if (auto refused = prepare_start(bus, unit)) return *refused;
  }
  if (action == UnitAction::reload) {
    if (auto refused = check_reload(bus, unit)) return *refused;
  }
  if (auto refused = enqueue(bus, action, unit, watch)) return *refused;
  if (auto failure = wait(bus, watch, action, unit, limit, cancelled)) return *failure;
  std::map<std::string, UnitStatus> found;
  if ((code = list_units(bus, {unit.name}, found)) < 0) return lost_bus(code);
  const UnitStatus& status = found[unit.name];
  if (watch.result == "done" || watch.result == "skipped") return status;
  return explain_job(bus, action, unit, watch.result, status);
}

}  // namespace rolesync::systemd
