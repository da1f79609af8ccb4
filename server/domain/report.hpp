// SPDX-License-Identifier: Apache-2.0
// What an agent found out about one role on its node (role_report in docs/protocol.md), read
// without trusting it: a wrong type counts as absent. Pure; any thread.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/values/json.hpp"

namespace rolesync::domain {

struct DriftEntry {
  std::string path, kind;  // changed, removed, mode_changed, replaced
};

struct RoleReport {
  bool path_exists = false;
  std::optional<bool> target_empty;
  std::string state = "unknown";   // active, inactive, not_installed, unknown
  std::string health = "unknown";  // healthy, failing, unknown
  std::string reason;
  std::string detail;                             // the sentence to it, when a plugin failed
  std::string commit, content_id, role_revision;  // empty: no release of ours
  std::string verified_at;
  std::string running = "unknown";  // current, restart_pending, unknown
  bool restart_pending = false;
  std::vector<DriftEntry> drift;  // may be shorter than drift_count
  std::uint64_t drift_count = 0;
  std::string error;         // why the disk could not be proven; empty: it was
  std::string error_reason;  // its code: proof_failed, state_damaged, state_missing, ...

  bool installed() const { return !content_id.empty(); }
};

// Whether both say that the same thing is installed.
bool same_release(const RoleReport& a, const RoleReport& b);

RoleReport role_report_from_json(const Json& report);
std::map<std::string, RoleReport> role_reports_from_json(const Json& reports);

}  // namespace rolesync::domain
