// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <mutex>
#include <set>

#include "host/services/linux/systemd_bus.hpp"
#include "host/services/linux/systemd_job.hpp"
#include "host/services/linux/systemd_state.hpp"
#include "host/services/units.hpp"

namespace rolesync {

using namespace systemd;

namespace {

UnitStatus not_found() {
  UnitStatus status;
  status.load_state = "not-found";
  status.active_state = "inactive";
  status.sub_state = "dead";
  return status;
}

class SystemdUnits : public Units {
 public:
  std::map<std::string, UnitStatus> status(const std::vector<std::string>& units) override {
    std::map<std::string, UnitStatus> answer;
    std::map<std::string, std::vector<std::string>> names;      // by user
    std::map<std::string, std::vector<std::string>> templates;  // by user: "name@.service"
    for (const std::string& unit : units) {
      answer[unit] = not_found();
      const auto address = unit_address(base_of(unit));
      if (!address) continue;
      // Of a template nothing can be asked but its instances.
      auto& list = address->name.find("@.") == std::string::npos ? names : templates;
      if (unit != base_of(unit) || &list == &names) list[address->user].push_back(address->name);
    }
    for (const auto* list : {&names, &templates}) {
      for (const auto& [user, unused] : *list) names.try_emplace(user);
    }
    for (const auto& [user, of_user] : names) {
      std::map<std::string, UnitStatus> found;
      const std::string trouble = ask(user, of_user, templates[user], found);
      for (auto& [unit, status] : answer) {
        const auto address = unit_address(base_of(unit));
        if (!address || address->user != user) continue;
        if (!trouble.empty()) {
          status = UnitStatus();
          status.reason = trouble;
        } else if (const auto it = found.find(address->name); it != found.end()) {
          status = it->second;
        }
      }
      for (const std::string& unit : units) {
        if (unit != base_of(unit)) add_instances(unit, user, found, answer);
      }
    }
    return answer;
  }

  Result<UnitStatus> run(UnitAction action, const std::string& unit,
                         std::chrono::milliseconds limit, const CancelFlag* cancelled) override {
    Result<UnitAddress> address = unit_address(unit);
    if (!address) return address.error();
    keep_loaded(*address);
    // A connection of its own: a job may take minutes, and status() must not wait for it.
    Result<Bus> bus = connect(address->user);
    if (!bus) return bus.error();
    return run_job(bus->get(), action, *address, limit, cancelled);
  }

 private:
  struct Connection {
    Bus bus;
    std::set<std::string> held;  // units that stay loaded while it lasts
  };

  // "worker@*" stands for all instances of worker@.
  static std::string base_of(const std::string& unit) {
    return unit.ends_with("@*") ? unit.substr(0, unit.size() - 1) : unit;
  }

  static void add_instances(const std::string& pattern, const std::string& user,
                            const std::map<std::string, UnitStatus>& found,
                            std::map<std::string, UnitStatus>& answer) {
    const auto address = unit_address(base_of(pattern));
    if (!address || address->user != user) return;
    const std::string begin = address->name.substr(0, address->name.find("@.") + 1);
    const std::string end = address->name.substr(begin.size());
    for (const auto& [name, status] : found) {
      if (!name.starts_with(begin) || !name.ends_with(end)) continue;
      const std::string instance =
          name.substr(begin.size(), name.size() - begin.size() - end.size());
      if (!instance.empty()) answer[base_of(pattern) + instance] = status;
    }
  }

  // Empty, or the reason why nothing is known. A connection that went away is made again once.
  std::string ask(const std::string& user, const std::vector<std::string>& units,
                  const std::vector<std::string>& templates,
                  std::map<std::string, UnitStatus>& found) {
    std::lock_guard lock(mutex_);
    Connection& connection = connections_[user];
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (std::string trouble = open(user, connection); !trouble.empty()) return trouble;
      std::vector<std::string> names = units;
      bool listed = true;
      for (const std::string& each : templates) {
        listed = listed && list_instances(connection.bus.get(), each, names) >= 0;
      }
      hold(connection, names);
      if (listed && list_units(connection.bus.get(), names, found) >= 0) return "";
      connection = {};
    }
    return "systemd_silent";
  }

  static std::string open(const std::string& user, Connection& connection) {
    if (connection.bus) return "";
    Result<Bus> made = connect(user);
    if (!made) return made.error().reason;
    connection.bus = std::move(*made);
    return "";
  }

  // systemd forgets how a unit ended that nothing else needs, as soon as it is idle.
  static void hold(Connection& connection, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (!connection.held.insert(name).second) continue;
      sd_bus_call_method(connection.bus.get(), kDestination, kManagerPath, kManager, "RefUnit",
                         nullptr, nullptr, "s", name.c_str());
    }
  }

  void keep_loaded(const UnitAddress& unit) {
    std::lock_guard lock(mutex_);
    Connection& connection = connections_[unit.user];
    connection.held.erase(unit.name);  // its file may not have been there when it was tried last
    if (open(unit.user, connection).empty()) hold(connection, {unit.name});
  }

  std::mutex mutex_;
  std::map<std::string, Connection> connections_;  // by user; of the system: ""
};

}  // namespace

std::unique_ptr<Units> systemd_units() {
  return std::make_unique<SystemdUnits>();
}

}  // namespace rolesync
