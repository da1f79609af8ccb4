// SPDX-License-Identifier: Apache-2.0
#include "simulated_agent.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace rolesync {

SimulatedAgent::SimulatedAgent(RunningServer& server, std::string node_, std::string boot_id_)
    : node(std::move(node_)),
      boot_id(std::move(boot_id_)),
      plugins(Json::parse(R"([{"name": "all", "version": "1.0.0", "sha256": "",
          "path": "/p/all.so", "abi": "1.0", "state": "ready", "reason": "", "detail": "",
          "isolated": false, "calls": 0, "faults": 0, "last_fault": null, "provides": [
            {"kind": "deployer", "id": "rsync_component", "summary": "", "needs": [],
             "parallel": true, "options": {}, "timeouts": {}},
            {"kind": "detector", "id": "path_service_port", "summary": "", "needs": [],
             "parallel": true, "options": {}, "timeouts": {}},
            {"kind": "restart_strategy", "id": "none", "summary": "", "needs": [],
             "parallel": true, "options": {}, "timeouts": {}}]}])")),
      server_(server) {
  const Reply token = server.post("/api/join-tokens", {{"node_id", node}});
  EXPECT_EQ(token.status, 201) << token.body;
  const Reply joined = server.request("POST", "/api/join",
                                      {{"token", token.body.at("token")},
                                       {"node_id", node},
                                       {"agent_version", "0.1.0"},
                                       {"hostname", node},
                                       {"boot_id", boot_id}});
  EXPECT_EQ(joined.status, 201) << joined.body;
  credential = joined.body.at("credential");
}

Reply SimulatedAgent::beat(int wait_seconds) {
  Json body = {{"sequence", ++sequence_},
               {"boot_id", boot_id},
               {"agent_version", "0.1.0"},
               {"definitions_etag", definitions_etag},
               {"acknowledged", acknowledged},
               {"role_report", report},
               {"listening_ports", Json::array()},
               {"plugins", plugins},
               {"os_info", {{"system", "Linux"}, {"hostname", node}}}};
  if (!instance.empty()) body["instance"] = instance;
  const Reply reply = request(
      "POST", "/api/nodes/" + node + "/heartbeat?wait=" + std::to_string(wait_seconds), body);
  if (reply.status == 200) {
    definitions_etag = reply.body.value("definitions_etag", definitions_etag);
  }
  return reply;
}

Json SimulatedAgent::command(const std::string& kind) {
  Json found;
  const bool offered = eventually([&] {
    const Reply reply = beat();
    if (reply.status != 200) return false;
    for (const Json& command : reply.body.at("commands")) {
      if (command.at("kind") == kind) found = command;
    }
    return !found.is_null();
  });
  if (!offered) throw std::runtime_error("no command " + kind);
  return found;
}

Reply SimulatedAgent::event(const Json& command, int sequence, const std::string& state,
                            const Json& more) {
  Json event = {{"task_id", command.at("payload").at("task_id")},
                {"fence", command.at("fence")},
                {"sequence", sequence},
                {"state", state}};
  event.update(more);
  return request("POST", "/api/nodes/" + node + "/task-events",
                 {{"boot_id", boot_id}, {"events", {event}}});
}

void SimulatedAgent::finish_task(const std::string& role) {
  const Json stage = command("stage");
  acknowledged = {stage.at("id")};
  EXPECT_EQ(event(stage, 1, "staged", {{"step", "verify"}}).status, 200);
  const Json activate = command("activate");
  acknowledged = {activate.at("id")};
  const Json& task = stage.at("payload");
  EXPECT_EQ(event(activate, 2, "activating", {{"step", "activate"}}).status, 200);
  EXPECT_EQ(event(activate, 3, "succeeded",
                  {{"step", "report"},
                   {"release",
                    {{"version", task.at("commit")},
                     {"content_id", task.at("content_id")},
                     {"role_revision", task.at("role_revision")},
                     {"verified_at", "2026-11-23T13:00:00.000Z"}}}})
                .status,
            200);
  report[role] = {{"path_exists", true},
                  {"state", "active"},
                  {"health", "healthy"},
                  {"version", task.at("commit")},
                  {"content_id", task.at("content_id")},
                  {"role_revision", task.at("role_revision")},
                  {"verified_at", "2026-11-23T13:00:00.000Z"},
                  {"running", "current"},
                  {"drift", Json::array()},
                  {"drift_count", 0}};
  beat();
}

}  // namespace rolesync
