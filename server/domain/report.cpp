// SPDX-License-Identifier: Apache-2.0
#include "server/domain/report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/names.hpp"

namespace rolesync::domain {
namespace {

std::string text(const Json& object, const char* field) {
  const auto it = object.find(field);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

bool flag(const Json& object, const char* field) {
  const auto it = object.find(field);
  return it != object.end() && it->is_boolean() && it->get<bool>();
}

std::string word(const Json& object, const char* field,
                 std::initializer_list<const char*> allowed) {
  std::string value = text(object, field);
  const bool known = std::any_of(allowed.begin(), allowed.end(),
                                 [&](const char* candidate) { return value == candidate; });
  return known ? value : "unknown";
}

}  // namespace

bool same_release(const RoleReport& a, const RoleReport& b) {
  return a.content_id == b.content_id && a.commit == b.commit && a.role_revision == b.role_revision;
}

RoleReport role_report_from_json(const Json& report) {
  RoleReport result;
  if (!report.is_object()) return result;
  result.path_exists = flag(report, "path_exists");
  if (const auto it = report.find("target_empty"); it != report.end() && it->is_boolean()) {
    result.target_empty = it->get<bool>();
  }
  result.state = word(report, "state", {"active", "inactive", "not_installed"});
  result.health = word(report, "health", {"healthy", "failing"});
  result.running = word(report, "running", {"current", "restart_pending"});
  result.reason = text(report, "reason");
  result.detail = text(report, "detail");
  result.commit = text(report, "version");
  if (!is_commit(result.commit)) result.commit.clear();
  result.content_id = text(report, "content_id");
  result.role_revision = text(report, "role_revision");
  result.verified_at = text(report, "verified_at");
  result.restart_pending = flag(report, "restart_pending") || result.running == "restart_pending";
  result.error = text(report, "error");
  result.error_reason = text(report, "error_reason");
  if (result.error_reason.empty() && !result.error.empty()) result.error_reason = "proof_failed";
  if (const auto it = report.find("drift"); it != report.end() && it->is_array()) {
    for (const Json& entry : *it) {
      if (entry.is_object()) result.drift.push_back({text(entry, "path"), text(entry, "kind")});
    }
  }
  result.drift_count = result.drift.size();
  if (const auto it = report.find("drift_count"); it != report.end() && it->is_number_unsigned()) {
    result.drift_count = std::max(result.drift_count, it->get<std::uint64_t>());
  }
  return result;
}

std::map<std::string, RoleReport> role_reports_from_json(const Json& reports) {
  std::map<std::string, RoleReport> result;
  if (!reports.is_object()) return result;
  for (const auto& [role, report] : reports.items()) {
    if (is_name(role)) result.emplace(role, role_report_from_json(report));
  }
  return result;
}

}  // namespace rolesync::domain
