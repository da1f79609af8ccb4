// SPDX-License-Identifier: Apache-2.0
// An agent that speaks docs/protocol.md over a real connection and does what the test says. One
// thread.
#pragma once
#include <string>
#include <vector>

#include "running_server.hpp"

namespace rolesync {

class SimulatedAgent {
 public:
  // Joins with a fresh token.
  SimulatedAgent(RunningServer& server, std::string node, std::string boot_id = "boot-1");

  Reply beat(int wait_seconds = 0);  // with what is in `report` and `acknowledged`
  // Beats until a command of this kind is offered; does not acknowledge it.
  Json command(const std::string& kind);
  Reply event(const Json& command, int sequence, const std::string& state,
              const Json& more = Json::object());
  // The whole life of a task: staged, then activated to the end; reports the release.
  void finish_task(const std::string& role);

  Reply request(const std::string& method, const std::string& path, const Json& body = Json()) {
    return server_.request(method, path, body, credential);
  }

  const std::string node;
  std::string boot_id, credential, definitions_etag;
  std::string instance;          // sent when it is not empty
  Json report = Json::object();  // role_report
  Json plugins;                  // those that a sync usually needs
  std::vector<std::string> acknowledged;

 private:
  RunningServer& server_;
  int sequence_ = 0;
};

}  // namespace rolesync
