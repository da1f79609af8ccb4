// SPDX-License-Identifier: Apache-2.0
// Restart strategy for roles that run as a systemd unit, or as several instances of one: of the
// system, or of a user's own manager. Instances are restarted one after another, each of them only
// when the one before keeps running.
#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <rolesync/restart_strategy.hpp>

#include "order.hpp"
#include "settle.hpp"
#include "unit_state.hpp"

namespace systemd_strategy {
namespace {

using rolesync::Code;
using rolesync::Error;
using rolesync::Options;
using rolesync::RoleData;
using rolesync::Running;
using rolesync::ServiceStatus;
using rolesync::UnitStatus;
using rolesync::Values;

std::string now_text() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  std::tm utc{};
  char text[32] = "";
  if (!::gmtime_r(&seconds, &utc) || !std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc)) {
    return "";
  }
  const std::string fraction = std::to_string(1000 + ms.count() % 1000).substr(1);
  return std::string(text) + "." + fraction + "Z";
}

// With several units: what was not done because of the one that failed.
[[noreturn]] void fail_at(const Order& order, std::size_t index, const Error& error,
                          const char* undone) {
  std::string rest;
  for (std::size_t i = index + 1; i < order.units.size(); ++i) {
    rest += (rest.empty() ? "; " : ", ") + order.units[i];
  }
  if (rest.empty()) throw error;
  throw Error(error.code(), error.reason(), error.what() + rest + undone, error.hint());
}

class Systemd : public rolesync::RestartStrategy {
 public:
  std::vector<std::string> units(const RoleData& role, const Options& options) override {
    if (role.service.empty()) return {};
    Order order = read_order(role, options);
    if (!order.all_of.empty()) order.units = {order.all_of + "*"};
    return order.units;
  }

  ServiceStatus status(const RoleData& role, const Options& options) override {
    const Order order = order_of(role, options);
    if (order.units.empty()) {
      return {Running::stopped, std::nullopt, "no instance of " + order.all_of + " is there",
              "unit_missing"};
    }
    std::vector<Named> states;
    for (const std::string& unit : order.units) {
      ServiceStatus state = seen_from_outside(host().unit_status(unit));
      if (order.action == Action::try_restart && state.state == Running::stopped &&
          state.reason.empty()) {
        state.reason = "service_left_stopped";
      }
      if (may_reload(order) && state.started_at) {
        state.started_at = last_reload(unit, *state.started_at);
      }
      states.emplace_back(unit, std::move(state));
    }
    return together(states);
  }

  ServiceStatus start(const RoleData& role, const Options& options) override {
    const Order order = some_of(role, options);
    return one_by_one(order, " not started", [&](const std::string& unit) {
      UnitStatus after = host().unit_start(unit, order.timeout_seconds);
      const int before = after.restarts;
      return to_status(settle(host(), unit, std::move(after), before, order.settle));
    });
  }

  ServiceStatus stop(const RoleData& role, const Options& options) override {
    const Order order = order_of(role, options);
    if (order.units.empty()) return {Running::stopped, std::nullopt, "nothing to stop"};
    return one_by_one(order, " not stopped",
                      [&](const std::string& unit) { return stopped(unit, order); });
  }

  ServiceStatus restart(const RoleData& role, const Options& options) override {
    const Order order = some_of(role, options);
    return one_by_one(order, " not restarted",
                      [&](const std::string& unit) { return renewed(unit, order); });
  }

 private:
  // With the instances that this node has, when the role names their template alone.
  Order order_of(const RoleData& role, const Options& options) const {
    Order order = read_order(role, options);
    if (order.all_of.empty()) return order;
    const rolesync::Json names = host().call("service.instances", {{"unit", order.all_of}});
    order.units = names.get<std::vector<std::string>>();
    return order;
  }

  Order some_of(const RoleData& role, const Options& options) const {
    Order order = order_of(role, options);
    if (!order.units.empty()) return order;
    throw Error(Code::not_found, "unit_missing", "no instance of " + order.all_of + " is there",
                "systemctl enable the instances that this node shall have, or name them in the "
                "option instances");
  }

  template <class Act>
  static ServiceStatus one_by_one(const Order& order, const char* undone, Act act) {
    std::vector<Named> states;
    for (std::size_t i = 0; i < order.units.size(); ++i) {
      try {
        states.emplace_back(order.units[i], act(order.units[i]));
      } catch (const Error& error) {
        fail_at(order, i, error, undone);
      }
    }
    return together(states);
  }

  ServiceStatus stopped(const std::string& unit, const Order& order) const {
    const UnitStatus after = host().unit_stop(unit, order.timeout_seconds);
    ServiceStatus status = to_status(after);
    if (status.state == Running::waiting) {
      throw Error(Code::failed, "service_waits",
                  "unit " + unit + " is stopped, but " + after.triggered_by + " may start it again",
                  "stop " + after.triggered_by + " in pre_sync_cmd, or use switch: live");
    }
    if (status.state != Running::running) return status;
    throw Error(Code::failed, "service_still_running", "unit " + unit + " runs after its stop");
  }

  ServiceStatus renewed(const std::string& unit, const Order& order) const {
    if (order.action == Action::restart) {
      UnitStatus after = host().unit_restart(unit, order.timeout_seconds);
      return to_status(settle(host(), unit, std::move(after), 0, order.settle));
    }
    const UnitStatus before = host().unit_status(unit);
    const std::string at = now_text();
    UnitStatus after = other_than_restart(unit, order);
    if (order.action == Action::try_restart && after.active_state == "inactive") {
      ServiceStatus left = to_status(after);
      left.reason = "service_left_stopped";
      return left;
    }
    const bool same_run = before.started_at && before.started_at == after.started_at;
    const int restarts = same_run ? after.restarts : 0;
    const UnitStatus settled = settle(host(), unit, std::move(after), restarts, order.settle);
    if (same_run && settled.started_at) {
      host().remember("reload." + unit,
                      Values{{"started_at", *settled.started_at}, {"reloaded_at", at}});
    }
    return to_status(settled);
  }

  UnitStatus other_than_restart(const std::string& unit, const Order& order) const {
    if (order.action == Action::reload) return host().unit_reload(unit, order.timeout_seconds);
    if (order.action == Action::try_restart) {
      return host().unit_try_restart(unit, order.timeout_seconds);
    }
    return host().unit_reload_or_restart(unit, order.timeout_seconds);
  }

  static bool may_reload(const Order& order) {
    return order.action == Action::reload || order.action == Action::reload_or_restart;
  }

  // A program that was told to read its files again has seen those of that moment.
  std::string last_reload(const std::string& unit, const std::string& started_at) const {
    const auto known = host().recall("reload." + unit);
    if (!known) return started_at;
    const auto of = known->find("started_at"), at = known->find("reloaded_at");
    if (of == known->end() || at == known->end() || of->second != rolesync::Value(started_at)) {
      return started_at;
    }
    const auto* text = std::get_if<std::string>(&at->second);
    return text ? *text : started_at;
  }
};

constexpr const char* option_schema = R"({
  "action": {"type": "string", "enum": ["restart", "reload", "reload-or-restart", "try-restart"],
             "default": "restart",
             "help": "what a sync does: reload needs ExecReload= in the unit file, try-restart leaves a stopped unit stopped"},
  "settle_seconds": {"type": "integer", "minimum": 0, "maximum": 600, "default": 3,
                     "help": "how long a unit must keep running after its start to count as started"},
  "timeout_seconds": {"type": "integer", "minimum": 1, "maximum": 3600, "default": 90,
                      "help": "how long each unit may take to start, stop or restart"},
  "instances": {"type": "string",
                "help": "names with blanks between them: 1 2 stands for <systemd_service>@1 and @2, restarted one after another; a systemd_service that ends with @ stands for all that the node has"},
  "user": {"type": "string",
           "help": "the unit belongs to this user's own systemd manager, kept running by loginctl enable-linger"}
})";

// As long as all instances may take together; each has timeout_seconds of its own.
constexpr int longest_action = 4 * 3600;

}  // namespace
}  // namespace systemd_strategy

using namespace systemd_strategy;

ROLESYNC_PLUGIN("systemd", "1.2.0",
                rolesync::restart_strategy<Systemd>("systemd")
                    .summary("a systemd unit")
                    .needs({"service.status", "service.instances", "service.start", "service.stop",
                            "service.restart", "service.reload", "service.try_restart",
                            "service.reload_or_restart", "state.get", "state.put", "job.cancelled"})
                    .options(option_schema)
                    .parallel()
                    .timeout("start", longest_action)
                    .timeout("stop", longest_action)
                    .timeout("restart", longest_action));
