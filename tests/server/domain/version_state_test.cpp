// SPDX-License-Identifier: Apache-2.0
// One row per situation of a role on a node, and the word that must be shown.
#include "server/domain/version_state.hpp"

#include <gtest/gtest.h>

namespace rolesync::domain {
namespace {

RoleReport installed(std::string content, std::string revision, std::uint64_t drift = 0) {
  RoleReport report;
  report.content_id = std::move(content);
  report.role_revision = std::move(revision);
  report.drift_count = drift;
  return report;
}

struct Case {
  const char* name;
  bool counts, has_files;
  std::optional<RoleReport> report;
  NewestContent newest;
  const char* state;
  const char* reason;
};

const NewestContent newest = {"c2", "rs1:new", "", ""};
const NewestContent none = {"", "", "no_commit_imported", "pull"};

RoleReport unproven(const std::string& reason = "") {
  RoleReport report = installed("rs1:new", "rr1:a");
  report.error = "marker damaged";
  report.error_reason = reason;
  return report;
}

TEST(VersionState, Table) {
  const Case cases[] = {
      {"current", true, true, installed("rs1:new", "rr1:a"), newest, "current", ""},
      {"older content", true, true, installed("rs1:old", "rr1:a"), newest, "outdated",
       "content_changed"},
      {"other settings", true, true, installed("rs1:new", "rr1:b"), newest, "outdated",
       "settings_changed"},
      {"edited", true, true, installed("rs1:new", "rr1:a", 2), newest, "drifted", "files_differ"},
      {"edited and older", true, true, installed("rs1:old", "rr1:a", 1), newest, "drifted",
       "files_differ"},
      {"never deployed", true, true, RoleReport{}, newest, "outdated", "never_deployed"},
      {"silent node", true, true, std::nullopt, newest, "unknown", "not_reported"},
      {"unprovable", true, true, unproven(), newest, "unknown", "proof_failed"},
      {"record lost", true, true, unproven("state_missing"), newest, "unknown", "state_missing"},
      {"nothing imported", true, true, installed("rs1:old", "rr1:a"), none, "unknown",
       "no_commit_imported"},
      {"without files", true, false, std::nullopt, none, "current", "no_files"},
      {"left behind", false, true, installed("rs1:old", "rr1:a"), newest, "orphaned",
       "role_not_assigned"},
      {"not here", false, true, std::nullopt, newest, "unknown", "role_not_assigned"},
  };
  for (const Case& c : cases) {
    const VersionState state =
        version_state(c.counts, c.has_files, c.report ? &*c.report : nullptr, "rr1:a", c.newest);
    EXPECT_EQ(state.state, c.state) << c.name;
    EXPECT_EQ(state.reason, c.reason) << c.name;
  }
}

}  // namespace
}  // namespace rolesync::domain
