// SPDX-License-Identifier: Apache-2.0
#include "server/domain/approval.hpp"

#include <gtest/gtest.h>

namespace rolesync::domain {
namespace {

TEST(Approval, APolicyConcernsItsRolesOnNodesWithItsLabels) {
  const ApprovalPolicy policy{"p", {"web"}, {{"site", "berlin"}}, 1, {}};
  EXPECT_TRUE(concerns(policy, "web", {{"site", "berlin"}, {"tier", "x"}}));
  EXPECT_FALSE(concerns(policy, "db", {{"site", "berlin"}}));
  EXPECT_FALSE(concerns(policy, "web", {{"site", "paris"}}));
  EXPECT_FALSE(concerns(policy, "web", {}));
  EXPECT_TRUE(concerns(ApprovalPolicy{}, "db", {}));
}

TEST(Approval, OnlyDistinctApproversCountAndNeverTheRequester) {
  const ApprovalPolicy two_of_three{"p", {}, {}, 2, {"ada", "bob", "cleo"}};
  EXPECT_EQ(missing(two_of_three, "eve", {}), 2);
  EXPECT_EQ(missing(two_of_three, "eve", {"ada"}), 1);
  EXPECT_EQ(missing(two_of_three, "eve", {"ada", "bob"}), 0);
  EXPECT_EQ(missing(two_of_three, "eve", {"ada", "bob", "cleo"}), 0);
  EXPECT_EQ(missing(two_of_three, "ada", {"ada", "bob"}), 1);
  EXPECT_EQ(missing(two_of_three, "eve", {"dan", "eve", "ada"}), 1);
  const ApprovalPolicy anybody{"p", {}, {}, 1, {}};
  EXPECT_EQ(missing(anybody, "eve", {"eve"}), 1);
  EXPECT_EQ(missing(anybody, "eve", {"dan"}), 0);
}

TEST(Approval, AnApprovalCountsWhenOnePolicyWantsIt) {
  const std::vector<ApprovalPolicy> policies = {{"a", {}, {}, 1, {"ada"}},
                                                {"b", {}, {}, 1, {"bob"}}};
  EXPECT_TRUE(counts(policies, "eve", "bob"));
  EXPECT_FALSE(counts(policies, "eve", "dan"));
  EXPECT_FALSE(counts(policies, "bob", "bob"));
  EXPECT_FALSE(counts({}, "eve", "bob"));
}

}  // namespace
}  // namespace rolesync::domain
