// SPDX-License-Identifier: Apache-2.0
// What the machine looks like at one moment: paths, units, ports. Collected once per heartbeat with
// one question for all units and one for all ports; every detector and strategy of that heartbeat
// is answered from it. Immutable once made; any thread.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/services/ports.hpp"
#include "host/services/units.hpp"

namespace rolesync {

struct FactQuestion {
  std::set<std::string> paths;
  std::set<std::string> units;
};

struct Facts {
  std::map<std::string, bool> path_exists;
  std::map<std::string, std::string> path_errors;  // of paths that may not be looked at: the reason
  std::map<std::string, UnitStatus> units;
  std::vector<ListeningPort> ports;
  std::vector<ListeningPort> all_ports;  // also those out of reach, see Ports::scan_all()
  std::string ports_error;               // why ports are not known; empty: they are
};

std::shared_ptr<const Facts> collect_facts(const FactQuestion& question, Units& units,
                                           Ports& ports);

// The same seams, answered from facts. What the facts do not hold, and every action, goes to the
// real one.
class UnitsOfFacts : public Units {
 public:
  UnitsOfFacts(std::shared_ptr<const Facts> facts, Units& real);
  std::map<std::string, UnitStatus> status(const std::vector<std::string>& units) override;
  Result<UnitStatus> run(UnitAction action, const std::string& unit,
                         std::chrono::milliseconds limit, const CancelFlag* cancelled) override;

 private:
  std::shared_ptr<const Facts> facts_;
  Units& real_;
};

class PortsOfFacts : public Ports {
 public:
  explicit PortsOfFacts(std::shared_ptr<const Facts> facts);
  Result<std::vector<ListeningPort>> scan() override;
  Result<std::vector<ListeningPort>> scan_all() override;

 private:
  std::shared_ptr<const Facts> facts_;
};

}  // namespace rolesync
