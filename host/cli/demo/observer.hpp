// SPDX-License-Identifier: Apache-2.0
// How the story looks at its world: the server's view through the CLI, the disks through git, the
// services through HTTP. Each look answers with a Status whose error says what is not so. One
// thread.
#pragma once
#include <string>
#include <vector>

#include "host/cli/demo/fleet.hpp"
#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync::cli {

class Observer {
 public:
  explicit Observer(DemoFleet& fleet) : fleet_(fleet) {}

  // The cell of `rolesync status` for one role on one node; null when there is none.
  Json cell(const std::string& role, const std::string& node) const;

  // Waits until version.state of the role is `state` on all its nodes.
  Status version_becomes(const std::string& role, const std::string& state) const;
  Status running_becomes(const std::string& role, const std::string& state) const;
  Status healthy(const std::string& role) const;  // waits

  // git's own hashes of the files on every node of the role against git's tree of `commit`.
  Status disks_hold(const std::string& role, const std::string& commit) const;
  Status disk_holds(const std::string& node, const std::string& target, const std::string& source,
                    const std::string& commit) const;

  // The node's own web service serves this text (or does not).
  Status served(const std::string& role, const std::string& node, const std::string& path,
                const std::string& text) const;

  DemoFleet& fleet() const { return fleet_; }

 private:
  Status cells_become(const std::string& role, const std::string& what,
                      const std::function<std::string(const Json&)>& word,
                      const std::string& wanted) const;
  DemoFleet& fleet_;
};

Error untrue(std::string what);

}  // namespace rolesync::cli
