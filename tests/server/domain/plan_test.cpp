// SPDX-License-Identifier: Apache-2.0
// What a plan says in each situation, and that its hash covers the rows and nothing else.
#include "server/domain/plan.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "plan_fixture.hpp"
#include "server/domain/plan_json.hpp"

namespace rolesync::domain {
namespace {

std::string stopper(const PlanRow& row) {
  return row.stopper() ? row.stopper()->reason : "";
}
std::string warning(const PlanRow& row) {
  for (const Blocker& blocker : row.blockers) {
    if (!blocker.stops) return blocker.reason;
  }
  return "";
}

TEST(Plan, CountsFilesAndBytesOfAContentChange) {
  Fleet fleet;
  const Plan plan = make_plan(fleet.input);
  const PlanRow& row = plan.rows.at(0);
  EXPECT_EQ(row.change, "content");
  EXPECT_EQ(row.files_added, 1u);
  EXPECT_EQ(row.files_changed, 1u);
  EXPECT_EQ(row.files_removed, 1u);
  EXPECT_EQ(row.bytes, 16u);
  ASSERT_EQ(plan.files.size(), 1u);
  EXPECT_EQ(plan.files[0].added.at(0).path, "d");
  EXPECT_EQ(plan.files[0].changed.at(0).path, "a");
  EXPECT_EQ(plan.files[0].removed.at(0).path, "b");
  EXPECT_TRUE(row.restart);
  EXPECT_EQ(row.restart_reason, "content_changed");
  EXPECT_EQ(row.gate, "process");
}

TEST(Plan, ListsFilesOnceForNodesInTheSameSituation) {
  Fleet fleet;
  fleet.input.nodes.push_back(fleet.input.nodes[0]);
  fleet.input.nodes[1].id = "n2";
  const Plan plan = make_plan(fleet.input);
  EXPECT_EQ(plan.rows.size(), 2u);
  EXPECT_EQ(plan.files.size(), 1u);
}

TEST(Plan, TellsContentSettingsBothRepairAndNoneApart) {
  Fleet fleet;
  fleet.input.roles["web"].revision = "rr1:b";
  EXPECT_EQ(fleet.row().change, "both");
  fleet.on_node().content_id = fleet.new_manifest.content_id();
  EXPECT_EQ(fleet.row().change, "settings");
  fleet.input.roles["web"].revision = "rr1:a";
  EXPECT_EQ(fleet.row().change, "none");
  EXPECT_FALSE(fleet.row().acts());
  fleet.on_node().drift = {{"a", "changed"}, {"d", "removed"}};
  fleet.on_node().drift_count = 2;
  const PlanRow repair = fleet.row();
  EXPECT_EQ(repair.change, "repair");
  EXPECT_EQ(repair.files_changed, 1u);
  EXPECT_EQ(repair.files_added, 1u);
  EXPECT_EQ(repair.bytes, 16u);
  EXPECT_EQ(warning(repair), "drift_replaced");
}

TEST(Plan, SaysWhyItRestartsOrNot) {
  Fleet fleet;
  fleet.role().auto_restart = AutoRestart::no;
  EXPECT_EQ(fleet.row().restart_reason, "auto_restart_off");
  EXPECT_EQ(fleet.row().gate, "none");
  fleet.input.options.restart = "always";
  EXPECT_EQ(fleet.row().restart_reason, "requested");
  fleet.input.options.restart = "never";
  EXPECT_EQ(fleet.row().restart_reason, "never_requested");
  fleet.input.options.restart = "auto";
  fleet.role().auto_restart = AutoRestart::yes;
  fleet.role().health_check_port = 80;
  EXPECT_EQ(fleet.row().gate, "port");
  fleet.role().health_check_path = "/health";
  EXPECT_EQ(fleet.row().gate, "http");
  fleet.role().systemd_service.clear();
  fleet.role().restart_strategy = "nothing";
  EXPECT_EQ(fleet.row().restart_reason, "no_service");
  EXPECT_EQ(fleet.row().gate, "none");
}

TEST(Plan, NamesTheCommandsThatRun) {
  Fleet fleet;
  EXPECT_TRUE(fleet.row().commands.empty());
  fleet.role().pre_sync_cmd = fleet.role().drain_cmd = fleet.role().undrain_cmd = {"true"};
  using List = std::vector<std::string>;
  EXPECT_EQ(fleet.row().commands, (List{"pre_sync_cmd", "drain_cmd", "undrain_cmd"}));
  const std::string with = make_plan(fleet.input).hash;
  fleet.input.options.restart = "never";
  EXPECT_EQ(fleet.row().commands, List{"pre_sync_cmd"}) << "what surrounds a restart needs one";
  fleet.role().switch_mode = SwitchMode::stopped;
  EXPECT_EQ(fleet.row().commands.size(), 3u) << "stopped for the switch and started again";
  fleet.input.options.restart = "auto";
  fleet.role().switch_mode = SwitchMode::live;
  fleet.role().undrain_cmd.clear();
  EXPECT_NE(make_plan(fleet.input).hash, with) << "approved is what runs";
}

TEST(Plan, AnAgentThatIsUpdatedRestartsInAnyCaseAndComesLast) {
  Fleet fleet;
  fleet.role().self = SelfUpdate::agent;
  fleet.role().auto_restart = AutoRestart::no;
  for (const char* policy : {"auto", "never", "always"}) {
    fleet.input.options.restart = policy;
    EXPECT_TRUE(fleet.row().restart) << policy;
  }
  EXPECT_EQ(fleet.row().order, std::numeric_limits<int>::max());
}

TEST(Plan, NamesWhatStopsARow) {
  {
    Fleet fleet;
    fleet.input.nodes[0].plugins->erase({"restart_strategy", "unit"});
    EXPECT_EQ(stopper(fleet.row()), "plugin_missing_on_node");
  }
  {
    Fleet fleet;
    fleet.input.server_plugins.clear();
    EXPECT_EQ(stopper(fleet.row()), "plugin_missing");
  }
  {
    Fleet fleet;
    fleet.input.roles["web"].to = {"", "", "no_commit_imported", "nothing imported"};
    EXPECT_EQ(stopper(fleet.row()), "no_commit_imported");
    EXPECT_FALSE(fleet.row().acts());
  }
  {
    Fleet fleet;
    fleet.role().on_drift = OnDrift::refuse;
    fleet.on_node().drift_count = 1;
    EXPECT_EQ(stopper(fleet.row()), "drift_refused");
  }
  {
    Fleet fleet;
    Role other = fleet.role();
    other.name = "twin";
    fleet.input.roles["twin"] = {other, "rr1:t", {}};
    fleet.input.effective["n1"] = {"twin", "web"};
    EXPECT_EQ(stopper(fleet.row()), "ownership_overlap");
  }
}

TEST(Plan, GuardsAFirstInstallOverForeignFiles) {
  Fleet fleet;
  fleet.on_node() = {};
  EXPECT_EQ(fleet.row().from, Version{});
  EXPECT_TRUE(fleet.row().blockers.empty());
  fleet.on_node().path_exists = true;
  EXPECT_EQ(warning(fleet.row()), "target_exists");
  fleet.on_node().target_empty = false;
  EXPECT_EQ(stopper(fleet.row()), "target_not_empty");
  fleet.on_node().target_empty = true;
  EXPECT_TRUE(fleet.row().blockers.empty());
  fleet.on_node().target_empty = false;
  fleet.input.options.first_install = "overlay";
  EXPECT_TRUE(fleet.row().blockers.empty());
}

// A tree that somebody else deployed: what was found out about it, and that it is adopted first.
TEST(Plan, AdoptsWhatWasIdentified) {
  Fleet fleet;
  fleet.on_node() = {};
  fleet.on_node().path_exists = true;
  fleet.on_node().target_empty = false;
  EXPECT_NE(fleet.row().stopper()->hint.find("rolesync node identify n1 --role web"),
            std::string::npos);
  fleet.input.options.first_install = "adopt";
  EXPECT_EQ(stopper(fleet.row()), "not_identified");
  const Version base{std::string(40, '1'), fleet.old_manifest.content_id(), "rr1:a"};
  fleet.input.nodes[0].identified["web"] = {base, 3, "web = 11111111 + 3 changed files"};
  EXPECT_FALSE(fleet.row().stopper());
  EXPECT_EQ(fleet.row().from, base);
  EXPECT_EQ(fleet.row().change, "content");
  EXPECT_EQ(warning(fleet.row()), "drift_replaced");
  fleet.role().on_drift = OnDrift::refuse;
  EXPECT_EQ(stopper(fleet.row()), "drift_refused");
  // Without adopt it is only named.
  fleet.input.options.first_install = "refuse";
  EXPECT_EQ(fleet.row().from, Version{});
  EXPECT_NE(fleet.row().stopper()->hint.find("3 changed files"), std::string::npos);
}

TEST(Plan, AnIdentifiedTreeThatIsNewestAlreadyIsRepairedOrOnlyRecorded) {
  Fleet fleet;
  fleet.on_node() = {};
  fleet.on_node().path_exists = true;
  fleet.on_node().target_empty = false;
  fleet.input.options.first_install = "adopt";
  auto& identified = fleet.input.nodes[0].identified["web"];
  identified = {{std::string(40, '2'), fleet.new_manifest.content_id(), "rr1:a"}, 2, ""};
  EXPECT_EQ(fleet.row().change, "repair");
  EXPECT_EQ(fleet.row().files_changed, 2u);
  identified.differing = 0;
  EXPECT_EQ(fleet.row().change, "adopt");
  EXPECT_TRUE(fleet.row().acts());
  EXPECT_FALSE(fleet.row().restart);
}

TEST(Plan, ABrokenRecordStopsUntilTheTreeIsAdopted) {
  Fleet fleet;
  fleet.on_node() = {};
  fleet.on_node().path_exists = true;
  fleet.on_node().target_empty = false;
  fleet.on_node().error = "the marker is damaged";
  for (const char* reason : {"state_damaged", "state_newer", "state_missing"}) {
    fleet.on_node().error_reason = reason;
    fleet.input.options.first_install = "refuse";
    EXPECT_EQ(stopper(fleet.row()), reason);
    fleet.input.options.first_install = "overlay";
    const bool lost = fleet.on_node().error_reason == "state_missing";
    EXPECT_EQ(fleet.row().stopper() == nullptr, lost) << "a lost record is in nobody's way";
    fleet.input.options.first_install = "adopt";
    EXPECT_EQ(stopper(fleet.row()), "not_identified");
  }
  const Version base{std::string(40, '1'), fleet.old_manifest.content_id(), "rr1:a"};
  fleet.input.nodes[0].identified["web"] = {base, 0, ""};
  EXPECT_FALSE(fleet.row().stopper());
}

TEST(Plan, HashCoversRowsButNotReachability) {
  Fleet fleet;
  const std::string hash = make_plan(fleet.input).hash;
  fleet.input.nodes[0].online = false;
  const Plan offline = make_plan(fleet.input);
  EXPECT_EQ(warning(offline.rows.at(0)), "node_offline");
  EXPECT_FALSE(offline.rows.at(0).stopper());
  EXPECT_EQ(offline.hash, hash);
  fleet.on_node().content_id = fleet.new_manifest.content_id();
  EXPECT_NE(make_plan(fleet.input).hash, hash);
}

TEST(Plan, SkipsRolesWithoutFilesAndOrdersByRoleOrder) {
  Fleet fleet;
  Role marker;
  marker.name = "marker";
  Role late = fleet.role();
  late.name = "late";
  late.target_path = "/srv/late";
  late.order = 900;
  Role early = late;
  early.name = "zz-early";
  early.target_path = "/srv/early";
  early.order = 1;
  for (const Role& role : {marker, late, early}) {
    fleet.input.roles[role.name] = {role, "rr1:x", fleet.input.roles["web"].to};
    fleet.input.nodes[0].roles.push_back(role.name);
  }
  std::vector<std::string> roles;
  for (const PlanRow& row : make_plan(fleet.input).rows) roles.push_back(row.role);
  EXPECT_EQ(roles, (std::vector<std::string>{"zz-early", "web", "late"}));
}

TEST(Plan, SurvivesItsJson) {
  Fleet fleet;
  fleet.input.nodes[0].online = false;
  const Plan plan = make_plan(fleet.input);
  const auto rows = plan_rows_from_json(to_json(plan));
  ASSERT_TRUE(rows) << rows.error().text();
  EXPECT_EQ(*rows, plan.rows);
  EXPECT_FALSE(plan_rows_from_json({{"rows", {{{"node", 1}}}}}).ok());
}

}  // namespace
}  // namespace rolesync::domain
