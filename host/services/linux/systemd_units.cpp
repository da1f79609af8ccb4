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
    std::map<std::string, std::vector<std::string>> names;  // by user
    for (const std::string& unit : units) {
      UnitStatus& status = answer[unit];
      status.reason = "unit_missing";
      if (auto address = unit_address(unit)) {
        names[address->user].push_back(address->name);
      } else {
        status.load_state = "not-found";
      }
    }
    for (const auto& [user, of_user] : names) {
      std::map<std::string, UnitStatus> found;
      const std::string trouble = ask(user, of_user, found);
      for (auto& [unit, status] : answer) {
        auto address = unit_address(unit);
        if (!address || address->user != user) continue;
        const auto it = found.find(address->name);
        if (!trouble.empty()) {
          status.reason = trouble;
        } else {
          status = it == found.end() ? not_found() : it->second;
        }
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

  // Empty, or the reason why nothing is known. A connection that went away is made again once.
  std::string ask(const std::string& user, const std::vector<std::string>& names,
                  std::map<std::string, UnitStatus>& found) {
    std::lock_guard lock(mutex_);
    Connection& connection = connections_[user];
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (std::string trouble = open(user, connection); !trouble.empty()) return trouble;
      hold(connection, names);
      if (list_units(connection.bus.get(), names, found) >= 0) return "";
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
