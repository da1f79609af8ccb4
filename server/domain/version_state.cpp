// SPDX-License-Identifier: Apache-2.0
#include "server/domain/version_state.hpp"

namespace rolesync::domain {

VersionState version_state(bool counts, bool has_files, const RoleReport* report,
                           const std::string& role_revision, const NewestContent& newest) {
  if (!counts) {
    if (report && report->installed()) {
      return {"orphaned", "role_not_assigned", "assign the role again, or remove its files"};
    }
    return {"unknown", "role_not_assigned", ""};
  }
  if (!has_files) return {"current", "no_files", ""};
  if (!report) return {"unknown", "not_reported", "wait for the node's next heartbeat"};
  if (!report->error.empty()) {
    const bool state = report->error_reason.starts_with("state_");
    return {
        "unknown", report->error_reason,
        state ? "the record of what is installed cannot be used: rolesync node identify says what "
                "is there, rolesync node adopt records it anew"
              : "look at the node's error and its agent's log"};
  }
  if (!report->installed()) {
    if (newest.content_id.empty()) return {"unknown", newest.reason, newest.message};
    return {"outdated", "never_deployed", "plan and sync the role"};
  }
  if (report->drift_count > 0) {
    return {"drifted", "files_differ", "look at the named files; a sync saves and replaces them"};
  }
  if (newest.content_id.empty()) return {"unknown", newest.reason, newest.message};
  if (report->content_id != newest.content_id) {
    return {"outdated", "content_changed", "plan and sync the role"};
  }
  if (report->role_revision != role_revision) {
    return {"outdated", "settings_changed", "plan and sync the role"};
  }
  return {"current", "", ""};
}

}  // namespace rolesync::domain
