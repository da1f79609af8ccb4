// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/release_records.hpp"

#include <nlohmann/json.hpp>

#include "server/store/nodes.hpp"

namespace rolesync::rollout {
namespace {

std::string role_of(const store::SyncTask& task) {
  const auto json = parse_json(task.task);
  return json && json->is_object() ? to_text(json->value("role", Json::object())) : "{}";
}

}  // namespace

std::string role_versions(const std::map<std::string, domain::RoleReport>& reports) {
  Json versions = Json::object();
  for (const auto& [role, report] : reports) {
    if (!report.commit.empty()) versions[role] = report.commit;
  }
  return to_text(versions);
}

Status record_measured(store::Session& session, const std::string& node,
                       const std::map<std::string, domain::RoleReport>& before,
                       const std::map<std::string, domain::RoleReport>& after,
                       const Catalog& catalog, Millis now) {
  for (const auto& [role, report] : after) {
    const auto old = before.find(role);
    if (old != before.end() && domain::same_release(old->second, report)) continue;
    if (!report.installed()) {
      if (old == before.end() || !old->second.installed()) continue;
      if (Status cleared = store::clear_current_release(session, node, role); !cleared) {
        return cleared;
      }
      continue;
    }
    store::ReleaseRecord release;
    release.node = node;
    release.role = role;
    const auto definition = catalog.usable.find(role);
    if (definition != catalog.usable.end()) release.source = definition->second.code_source;
    release.commit = report.commit;
    release.content_id = report.content_id;
    release.role_revision = report.role_revision;
    release.activated_at = now;
    release.verified_at = from_rfc3339(report.verified_at);
    if (Status recorded = store::record_release(session, release); !recorded) return recorded;
  }
  return {};
}

Status record_deployed(store::Session& session, const store::SyncTask& task,
                       const domain::RoleReport& release, Millis now) {
  if (!release.installed()) return store::clear_current_release(session, task.node, task.role);
  store::ReleaseRecord record;
  record.node = task.node;
  record.role = task.role;
  record.source = task.source;
  record.commit = release.commit;
  record.content_id = release.content_id;
  record.role_revision = release.role_revision;
  record.activated_at = now;
  record.verified_at = from_rfc3339(release.verified_at);
  if (release.content_id == task.content_id && release.role_revision == task.role_revision) {
    record.role_snapshot = role_of(task);
    record.task_id = task.id;
  }
  return store::record_release(session, record);
}

}  // namespace rolesync::rollout
