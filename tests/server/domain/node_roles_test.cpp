// SPDX-License-Identifier: Apache-2.0
// Which roles count on a node, and which cannot live together.
#include "server/domain/node_roles.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace rolesync::domain {
namespace {

Role role(const std::string& name, const std::string& target, std::vector<std::string> sources) {
  Role result;
  result.name = name;
  result.target_path = target;
  result.source_paths = std::move(sources);
  return result;
}

const std::map<std::string, Role> defined = {
    {"api", role("api", "/srv/app", {"api", "lib"})},
    {"ui", role("ui", "/srv/app", {"ui", "themes"})},
    {"all", role("all", "/srv/app", {"."})},
};

TEST(DetectedRoles, AreThoseAtWorkOrDeployedByUs) {
  const auto reports = role_reports_from_json({{"api", {{"state", "active"}}},
                                               {"ui", {{"state", "inactive"}}},
                                               {"all", {{"content_id", "rs1:1"}}},
                                               {"../x", {{"state", "active"}}}});
  EXPECT_EQ(detected_roles(reports), (std::set<std::string>{"all", "api"}));
}

TEST(EffectiveRoles, DetectedCountUntilSomebodyAssigns) {
  const auto reports = role_reports_from_json({{"api", {{"state", "active"}}}});
  EXPECT_EQ(effective_roles({}, reports, defined), (std::vector<NodeRole>{{"api", "detected"}}));
  EXPECT_EQ(effective_roles({true, {"ui"}}, reports, defined),
            (std::vector<NodeRole>{{"ui", "assigned"}}));
  EXPECT_TRUE(effective_roles({true, {}}, reports, defined).empty());
}

TEST(EffectiveRoles, ForgetsRolesThatAreNotDefined) {
  EXPECT_EQ(effective_roles({true, {"gone", "ui"}}, {}, defined),
            (std::vector<NodeRole>{{"ui", "assigned"}}));
}

TEST(CheckOverlap, SharingATargetIsFineOwningOnePathIsNot) {
  EXPECT_TRUE(check_overlap("n1", {"api", "ui"}, defined).ok());
  const Status refused = check_overlap("n1", {"all", "api"}, defined);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "ownership_overlap");
  for (const char* part : {"n1", "all", "api", "/srv/app/api"}) {
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace rolesync::domain
