// SPDX-License-Identifier: Apache-2.0
#include "order.hpp"

#include <algorithm>
#include <sstream>

namespace systemd_strategy {
namespace {

using rolesync::Code;
using rolesync::Error;
using rolesync::Options;

constexpr std::size_t most_instances = 64;

std::string text_of(const Options& options, const char* name) {
  const auto given = options.find(name);
  return given == options.end() ? "" : given->second;
}

int seconds_of(const Options& options, const char* name, int least, int otherwise) {
  const auto given = options.find(name);
  if (given == options.end()) return otherwise;
  const std::string& text = given->second;
  if (text.empty() || text.size() > 4 ||
      text.find_first_not_of("0123456789") != std::string::npos || std::stoi(text) < least) {
    throw Error(Code::invalid, "invalid_option",
                std::string(name) + " must be a number of seconds from " + std::to_string(least));
  }
  return std::stoi(text);
}

Action action_of(const Options& options) {
  const std::string text = text_of(options, "action");
  if (text.empty() || text == "restart") return Action::restart;
  if (text == "reload") return Action::reload;
  if (text == "reload-or-restart") return Action::reload_or_restart;
  if (text == "try-restart") return Action::try_restart;
  throw Error(Code::invalid, "invalid_option",
              "action must be restart, reload, reload-or-restart or try-restart");
}

// "worker" or "worker@" and "1 2" are worker@1 and worker@2.
std::vector<std::string> instances_of(const std::string& service, const std::string& list) {
  if (list.find_first_not_of(' ') == std::string::npos) return {};
  std::string base = service;
  if (base.size() > 8 && base.compare(base.size() - 8, 8, ".service") == 0) {
    base.resize(base.size() - 8);
  }
  if (base.back() == '@') base.pop_back();
  if (base.empty() || base.find('@') != std::string::npos) {
    throw Error(Code::invalid, "invalid_option",
                "instances are given, but " + service + " is an instance already",
                "let systemd_service be the name before the @");
  }
  std::vector<std::string> units;
  std::istringstream words(list);
  for (std::string instance; words >> instance;) {
    std::string unit = base;
    unit.append("@").append(instance);
    if (instance.find_first_of("@/,;") != std::string::npos) {
      throw Error(Code::invalid, "invalid_option",
                  "\"" + instance + "\" is not the name of an instance",
                  "write their names with blanks between them: 1 2 3");
    }
    if (std::find(units.begin(), units.end(), unit) != units.end()) {
      throw Error(Code::invalid, "invalid_option", "instance " + instance + " is named twice");
    }
    units.push_back(std::move(unit));
  }
  if (units.size() > most_instances) {
    throw Error(Code::invalid, "invalid_option",
                "a role has at most " + std::to_string(most_instances) + " instances");
  }
  return units;
}

bool is_template(const std::string& service) {
  const std::size_t at = service.find('@');
  return at != std::string::npos && (at + 1 == service.size() || service.substr(at) == "@.service");
}

}  // namespace

Order read_order(const rolesync::RoleData& role, const Options& options) {
  if (role.service.empty()) {
    throw Error(Code::invalid, "no_service", "role " + role.name + " names no systemd_service",
                "set systemd_service, or another restart_strategy");
  }
  Order order;
  order.action = action_of(options);
  order.timeout_seconds = seconds_of(options, "timeout_seconds", 1, order.timeout_seconds);
  order.settle = std::chrono::seconds(
      seconds_of(options, "settle_seconds", 0, static_cast<int>(order.settle.count())));
  order.units = instances_of(role.service, text_of(options, "instances"));
  const std::string user = text_of(options, "user");
  const std::string prefix = user.empty() ? "" : "user:" + user + "/";
  if (order.units.empty() && is_template(role.service)) {
    order.all_of = prefix + role.service.substr(0, role.service.find('@') + 1);
    return order;
  }
  if (order.units.empty()) order.units = {role.service};
  for (std::string& unit : order.units) unit.insert(0, prefix);
  return order;
}

}  // namespace systemd_strategy
