// SPDX-License-Identifier: Apache-2.0
// Roles over the API: plugin values, overrides, provenance, ETags, overlap.
#include <gtest/gtest.h>

#include <set>

#include "simulated_agent.hpp"

namespace rolesync {
namespace {

class RoleApi : public ::testing::Test {
 protected:
  RunningServer server;
};

TEST_F(RoleApi, ShowsWhereEachValueComesFrom) {
  const Json plain = server.get("/api/roles/frontend").body;
  EXPECT_EQ(plain.at("plugin"), "frontend");
  EXPECT_EQ(plain.at("provenance").at("target_path"), "plugin");
  const Reply changed = server.put("/api/roles/frontend", {{"target_path", "/srv/front"}});
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(changed.body.at("provenance").at("target_path"), "override");
  EXPECT_NE(changed.body.at("role_revision"), plain.at("role_revision"));
  EXPECT_EQ(server.request("DELETE", "/api/roles/frontend").status, 204);
  EXPECT_EQ(server.get("/api/roles/frontend").body, plain);
}

TEST_F(RoleApi, SavingTheWholeRoleUnchangedOverridesNothing) {
  Json role = server.get("/api/roles/frontend").body;
  for (const char* shown : {"role_revision", "provenance", "plugin", "latest", "error"}) {
    role.erase(shown);
  }
  const Reply saved = server.put("/api/roles/frontend", role);
  EXPECT_EQ(saved.status, 200) << saved.body;
  for (const auto& [field, from] : saved.body.at("provenance").items()) {
    EXPECT_NE(from, "override") << field;
  }
}

TEST_F(RoleApi, RestartOptionsAreCheckedAgainstTheStrategysSchema) {
  const auto put = [&](const Json& options) {
    return server.put("/api/roles/web", {{"source_paths", {"web"}},
                                         {"target_path", "/srv/web"},
                                         {"restart_strategy", "systemd"},
                                         {"systemd_service", "web"},
                                         {"restart_options", options}});
  };
  EXPECT_EQ(put({{"timeout_seconds", "30"}}).status, 201);
  const Reply refused = put({{"timeout_seconds", "0"}, {"colour", "red"}});
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(refused.reason(), "invalid_options");
  std::set<std::string> pointers;
  for (const Json& error : refused.body.at("errors")) pointers.insert(error.at("pointer"));
  EXPECT_EQ(pointers,
            (std::set<std::string>{"/restart_options/colour", "/restart_options/timeout_seconds"}));
}

TEST_F(RoleApi, AnEditOfAnOldVersionIsRefused) {
  const std::string etag = server.get("/api/roles/frontend").headers.at("etag");
  const auto put = [&](const char* target) {
    return server.request("PUT", "/api/roles/frontend", {{"target_path", target}}, "",
                          {{"If-Match", etag}});
  };
  EXPECT_EQ(put("/srv/a").status, 200);
  const Reply late = put("/srv/b");
  EXPECT_EQ(late.status, 412);
  EXPECT_EQ(late.reason(), "etag_mismatch");
  EXPECT_EQ(server.get("/api/roles/frontend").body.at("target_path"), "/srv/a");
}

TEST_F(RoleApi, CreatesOnceWithAnIdempotencyKey) {
  const Json role = {{"role_name", "web"}, {"source_paths", {"web"}}, {"target_path", "/srv/web"}};
  const auto create = [&](const Json& body, const char* key) {
    return server.request("POST", "/api/roles", body, "", {{"Idempotency-Key", key}});
  };
  EXPECT_EQ(create(role, "k1").status, 201);
  EXPECT_EQ(create(role, "k1").status, 201);
  EXPECT_EQ(create(role, "k2").status, 409);
  Json other = role;
  other["target_path"] = "/srv/other";
  EXPECT_EQ(create(other, "k1").reason(), "idempotency_key_reused");
}

TEST_F(RoleApi, RefusesRolesThatWouldOwnOnePath) {
  SimulatedAgent agent(server, "n1");
  server.put("/api/roles/whole", {{"source_paths", {"."}}, {"target_path", "/srv/app"}});
  server.put("/api/roles/part", {{"source_paths", {"part"}}, {"target_path", "/srv/app/part"}});
  const Reply refused = server.put("/api/nodes/n1/roles", {{"roles", {"whole", "part"}}});
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.reason(), "ownership_overlap");
  for (const char* word : {"whole", "part", "/srv/app/part"}) {
    EXPECT_NE(refused.body.at("detail").get<std::string>().find(word), std::string::npos);
  }
  // Nor may an edit make them overlap later.
  server.put("/api/roles/part", {{"source_paths", {"part"}}, {"target_path", "/srv/else"}});
  EXPECT_EQ(server.put("/api/nodes/n1/roles", {{"roles", {"whole", "part"}}}).status, 200);
  EXPECT_EQ(server.put("/api/roles/part", {{"source_paths", {"part"}}, {"target_path", "/srv/app"}})
                .reason(),
            "ownership_overlap");
}

TEST_F(RoleApi, ARoleInUseIsNotDeleted) {
  SimulatedAgent agent(server, "n1");
  server.put("/api/roles/web", {{"source_paths", {"web"}}, {"target_path", "/srv/web"}});
  server.put("/api/nodes/n1/roles", {{"roles", {"web"}}});
  EXPECT_EQ(server.request("DELETE", "/api/roles/web").reason(), "role_in_use");
  server.put("/api/nodes/n1/roles", {{"roles", Json::array()}});
  EXPECT_EQ(server.request("DELETE", "/api/roles/web").status, 204);
  EXPECT_EQ(server.get("/api/roles/web").status, 404);
}

TEST_F(RoleApi, SurvivesARestart) {
  SimulatedAgent agent(server, "n1");
  server.put("/api/roles/web", {{"source_paths", {"web"}}, {"target_path", "/srv/web"}});
  server.put("/api/nodes/n1/roles", {{"roles", {"web"}}});
  server.stop();
  server.start();
  EXPECT_EQ(server.get("/api/roles/web").body.at("target_path"), "/srv/web");
  EXPECT_EQ(server.get("/api/nodes/n1/roles").body.at("assigned"), Json({"web"}));
  EXPECT_EQ(agent.beat().status, 200);
}

}  // namespace
}  // namespace rolesync
