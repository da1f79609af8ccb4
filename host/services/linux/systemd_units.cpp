// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <mutex>

#include "host/services/linux/systemd_bus.hpp"
#include "host/services/units.hpp"

namespace rolesync {

using namespace systemd;

namespace {

// The active socket, timer or path unit that would start this one.
std::string active_trigger(sd_bus* bus, const char* path) {
  for (const std::string& trigger : texts(bus, path, kUnit, "TriggeredBy")) {
    const std::string of_trigger = unit_path(trigger);
    if (text(bus, of_trigger.c_str(), kUnit, "ActiveState") == "active") return trigger;
  }
  return "";
}

// What ListUnitsByNames does not say.
void add_details(sd_bus* bus, const char* path, UnitStatus& status) {
  if (status.load_state != "loaded") return;
  if (status.active_state == "active" || status.active_state == "reloading") {
    status.started_at = timestamp(bus, path, kService, "ExecMainStartTimestamp");
    if (!status.started_at) status.started_at = timestamp(bus, path, kUnit, "ActiveEnterTimestamp");
    status.result = "success";
  } else {
    status.result = text(bus, path, kService, "Result");
  }
  if (status.active_state == "inactive") {
    status.triggered_by = active_trigger(bus, path);
  } else {
    sd_bus_get_property_trivial(bus, kDestination, path, kService, "NRestarts", nullptr, 'u',
                                &status.restarts);
  }
}

// Reads the reply of ListUnitsByNames, a(ssssssouso), keyed by full unit name.
int read_units(sd_bus* bus, sd_bus_message* reply, std::map<std::string, UnitStatus>& found) {
  int code = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
  if (code < 0) return code;
  for (;;) {
    const char *name, *description, *load, *active, *sub, *following, *path, *job_type, *job_path;
    std::uint32_t job = 0;
    code = sd_bus_message_read(reply, "(ssssssouso)", &name, &description, &load, &active, &sub,
                               &following, &path, &job, &job_type, &job_path);
    if (code <= 0) return code;
    UnitStatus& status = found[name];
    status.load_state = load;
    status.active_state = active;
    status.sub_state = sub;
    add_details(bus, path, status);
  }
}

int list_units(sd_bus* bus, const std::vector<std::string>& names,
               std::map<std::string, UnitStatus>& found) {
  sd_bus_message* raw = nullptr;
  int code = sd_bus_message_new_method_call(bus, &raw, kDestination, kManagerPath, kManager,
                                            "ListUnitsByNames");
  if (code < 0) return code;
  Message request(raw);
  std::vector<char*> list;
  list.reserve(names.size() + 1);
  for (const std::string& name : names) list.push_back(const_cast<char*>(name.c_str()));
  list.push_back(nullptr);
  if ((code = sd_bus_message_append_strv(request.get(), list.data())) < 0) return code;
  sd_bus_message* answer = nullptr;
  if ((code = sd_bus_call(bus, request.get(), kCallLimitUs, nullptr, &answer)) < 0) return code;
  Message reply(answer);
  return read_units(bus, reply.get(), found);
}

// Waits for the JobRemoved signal of one job.
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
  }
  return "";
}

const char* verb(UnitAction action) {
  switch (action) {
    case UnitAction::start:
      return "start";
    case UnitAction::stop:
      return "stop";
    case UnitAction::restart:
      return "restart";
  }
  return "";
}

Error no_systemd() {
  return {ErrorKind::unavailable, "no_systemd", "this machine is not run by systemd",
          "choose another restart strategy for the role"};
}

Error lost_bus(int code) {
  return {ErrorKind::unavailable, "systemd_silent",
          std::string("systemd does not answer: ") + std::strerror(-code),
          "look at the state of systemd and dbus on the node"};
}

// systemd forgets earlier crashes, or it would refuse to start a unit that crashed too often; and
// it reads unit files again when this one was changed, perhaps by the release to be started.
void prepare_start(sd_bus* bus, const std::string& name) {
  sd_bus_call_method(bus, kDestination, kManagerPath, kManager, "ResetFailedUnit", nullptr, nullptr,
                     "s", name.c_str());
  sd_bus_message* raw = nullptr;
  if (sd_bus_call_method(bus, kDestination, kManagerPath, kManager, "LoadUnit", nullptr, &raw, "s",
                         name.c_str()) < 0) {
    return;
  }
  Message reply(raw);
  const char* path = nullptr;
  int changed = 0;
  if (sd_bus_message_read(reply.get(), "o", &path) >= 0 &&
      sd_bus_get_property_trivial(bus, kDestination, path, kUnit, "NeedDaemonReload", nullptr, 'b',
                                  &changed) >= 0 &&
      changed) {
    sd_bus_call_method(bus, kDestination, kManagerPath, kManager, "Reload", nullptr, nullptr, "");
  }
}

class SystemdUnits : public Units {
 public:
  std::map<std::string, UnitStatus> status(const std::vector<std::string>& units) override {
    std::map<std::string, UnitStatus> answer;
    std::vector<std::string> names;
    for (const std::string& unit : units) {
      answer[unit].reason = "unit_missing";
      if (auto name = full_unit_name(unit)) names.push_back(*name);
    }
    std::map<std::string, UnitStatus> found;
    const std::string trouble = names.empty() ? "" : ask(names, found);
    for (auto& [unit, status] : answer) {
      auto name = full_unit_name(unit);
      if (!name) {
        status.load_state = "not-found";
      } else if (!trouble.empty()) {
        status.reason = trouble;
      } else if (auto it = found.find(*name); it != found.end()) {
        status = it->second;
      } else {
        status.load_state = "not-found";
        status.active_state = "inactive";
        status.sub_state = "dead";
        status.reason.clear();
      }
    }
    return answer;
  }

  Result<UnitStatus> run(UnitAction action, const std::string& unit,
                         std::chrono::milliseconds limit, const CancelFlag* cancelled) override {
    Result<std::string> name = full_unit_name(unit);
    if (!name) return name.error();
    // A connection of its own: a job may take minutes, and status() must not wait for it.
    Bus bus = connect();
    if (!bus) return no_systemd();
    JobWatch watch;
    sd_bus_match_signal(bus.get(), nullptr, kDestination, kManagerPath, kManager, "JobRemoved",
                        &JobWatch::on_removed, &watch);
    int code = sd_bus_call_method(bus.get(), kDestination, kManagerPath, kManager, "Subscribe",
                                  nullptr, nullptr, "");
    if (code < 0) return lost_bus(code);
    if (action != UnitAction::stop) prepare_start(bus.get(), *name);
    if (auto refused = enqueue(bus.get(), action, *name, watch)) return *refused;
    if (auto failure = wait(bus.get(), watch, action, unit, limit, cancelled)) return *failure;
    std::map<std::string, UnitStatus> found;
    if ((code = list_units(bus.get(), {*name}, found)) < 0) return lost_bus(code);
    if (watch.result == "done" || watch.result == "skipped") return found[*name];
    return Error{ErrorKind::failed, "unit_failed",
                 std::string("cannot ") + verb(action) + " " + *name + ": the job ended as '" +
                     watch.result + "', the unit is " + found[*name].active_state +
                     (found[*name].result.empty() ? "" : " (" + found[*name].result + ")"),
                 "look at `journalctl -u " + *name + "` on the node"};
  }

 private:
  // Empty, or the reason why nothing is known. A connection that went away is made again once.
  std::string ask(const std::vector<std::string>& names, std::map<std::string, UnitStatus>& found) {
    std::lock_guard lock(mutex_);
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (!bus_) bus_ = connect();
      if (!bus_) return "no_systemd";
      if (list_units(bus_.get(), names, found) >= 0) return "";
      bus_.reset();
    }
    return "systemd_silent";
  }

  static std::optional<Error> enqueue(sd_bus* bus, UnitAction action, const std::string& name,
                                      JobWatch& watch) {
    BusError error;
    sd_bus_message* raw = nullptr;
    const int code =
        sd_bus_call_method(bus, kDestination, kManagerPath, kManager, method_name(action),
                           &error.error, &raw, "ss", name.c_str(), "replace");
    Message reply(raw);
    if (code < 0) {
      if (error.is("org.freedesktop.systemd1.NoSuchUnit")) {
        return Error{ErrorKind::not_found, "unit_missing", "there is no unit " + name,
                     "install the unit file on the node, then run systemctl daemon-reload"};
      }
      if (error.is("org.freedesktop.systemd1.UnitMasked")) {
        return Error{ErrorKind::failed, "unit_masked", "the unit " + name + " is masked",
                     "run systemctl unmask " + name + " on the node"};
      }
      const bool denied = error.is(SD_BUS_ERROR_ACCESS_DENIED) ||
                          error.is(SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
      return Error{denied ? ErrorKind::denied : ErrorKind::failed, "unit_failed",
                   std::string("cannot ") + verb(action) + " " + name + ": " + error.text(code),
                   denied ? "run the agent as root or give it a polkit rule" : ""};
    }
    const char* path = nullptr;
    if (sd_bus_message_read(reply.get(), "o", &path) >= 0) watch.path = path;
    return std::nullopt;
  }

  static std::optional<Error> wait(sd_bus* bus, JobWatch& watch, UnitAction action,
                                   const std::string& unit, std::chrono::milliseconds limit,
                                   const CancelFlag* cancelled) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!watch.done()) {
      int code = sd_bus_process(bus, nullptr);
      if (code < 0) return lost_bus(code);
      if (code > 0) continue;
      const auto left = until - std::chrono::steady_clock::now();
      if (left.count() <= 0) {
        return Error{ErrorKind::timeout, "unit_timeout",
                     std::string("the ") + verb(action) + " of " + unit + " did not end within " +
                         std::to_string(limit.count() / 1000) + " s",
                     "look at the unit's TimeoutStartSec and TimeoutStopSec"};
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

  std::mutex mutex_;
  Bus bus_;
};

}  // namespace

std::unique_ptr<Units> systemd_units() {
  return std::make_unique<SystemdUnits>();
}

}  // namespace rolesync
