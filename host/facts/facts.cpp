// SPDX-License-Identifier: Apache-2.0
#include "host/facts/facts.hpp"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace rolesync {

std::shared_ptr<const Facts> collect_facts(const FactQuestion& question, Units& units,
                                           Ports& ports) {
  auto facts = std::make_shared<Facts>();
  for (const std::string& path : question.paths) {
    const bool exists = ::access(path.c_str(), F_OK) == 0;
    facts->path_exists[path] = exists;
    // What could not be looked at is not what is not there.
    if (!exists && errno != ENOENT && errno != ENOTDIR) {
      facts->path_errors[path] = "path_unreadable";
    }
  }
  if (!question.units.empty()) {
    facts->units = units.status({question.units.begin(), question.units.end()});
  }
  Result<std::vector<ListeningPort>> listening = ports.scan_all();
  if (listening) {
    facts->all_ports = std::move(*listening);
    const std::string address = ports.address();
    for (const ListeningPort& each : facts->all_ports) {
      if (address.empty() || reachable_at(each, address)) facts->ports.push_back(each);
    }
  } else {
    facts->ports_error = listening.error().message;
  }
  return facts;
}

UnitsOfFacts::UnitsOfFacts(std::shared_ptr<const Facts> facts, Units& real)
    : facts_(std::move(facts)), real_(real) {}

std::map<std::string, UnitStatus> UnitsOfFacts::status(const std::vector<std::string>& units) {
  std::map<std::string, UnitStatus> answer;
  std::vector<std::string> others;
  for (const std::string& unit : units) {
    auto it = facts_->units.find(unit);
    if (it != facts_->units.end() && unit.ends_with("@*")) {
      const std::string begin = unit.substr(0, unit.size() - 1);
      for (const auto& [name, status] : facts_->units) {
        if (name.starts_with(begin)) answer[name] = status;
      }
      continue;
    }
    if (it == facts_->units.end()) {
      others.push_back(unit);
    } else {
      answer[unit] = it->second;
    }
  }
  if (!others.empty()) answer.merge(real_.status(others));
  return answer;
}

Result<UnitStatus> UnitsOfFacts::run(UnitAction action, const std::string& unit,
                                     std::chrono::milliseconds limit, const CancelFlag* cancelled) {
  return real_.run(action, unit, limit, cancelled);
}

PortsOfFacts::PortsOfFacts(std::shared_ptr<const Facts> facts) : facts_(std::move(facts)) {}

Result<std::vector<ListeningPort>> PortsOfFacts::scan() {
  if (facts_->ports_error.empty()) return facts_->ports;
  return Error{ErrorKind::failed, "ports_unknown", facts_->ports_error};
}

Result<std::vector<ListeningPort>> PortsOfFacts::scan_all() {
  if (facts_->ports_error.empty()) return facts_->all_ports;
  return scan();
}

}  // namespace rolesync
