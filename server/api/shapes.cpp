// SPDX-License-Identifier: Apache-2.0
#include "server/api/shapes.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "server/rollout/approvals.hpp"

namespace rolesync::api {
namespace {

Json percent(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json version_json(const std::string& commit, const std::string& content_id,
                  const std::string& revision) {
  if (content_id.empty()) return {};
  return {{"commit", text_or_null(commit)},
          {"content_id", content_id},
          {"role_revision", text_or_null(revision)}};
}

Json drift_json(const domain::RoleReport& report) {
  Json drift = Json::array();
  for (const auto& entry : report.drift)
    drift.push_back({{"path", entry.path}, {"kind", entry.kind}});
  return drift;
}

Json cell_json(const rollout::Engine& engine, const rollout::NodeView& node,
               const domain::EffectiveRole& role, const std::string& source) {
  const auto& reports = node.parts->reports;
  const auto it = reports.find(role.role.name);
  const domain::RoleReport* report = it == reports.end() ? nullptr : &it->second;
  static const domain::RoleReport nothing;
  const domain::RoleReport& known = report ? *report : nothing;
  const auto newest = engine.intake.newest(role.role.name, role.revision);
  const auto version = domain::version_state(source != "none", !role.role.source_paths.empty(),
                                             report, role.revision, newest);
  return {{"node_id", node.id},
          {"role_name", role.role.name},
          {"source", source},
          {"version",
           {{"state", version.state},
            {"reason", version.reason},
            {"hint", version.hint},
            {"commit", text_or_null(known.commit)},
            {"content_id", text_or_null(known.content_id)},
            {"role_revision", text_or_null(known.role_revision)},
            {"latest_commit", text_or_null(newest.commit)},
            {"latest_content_id", text_or_null(newest.content_id)}}},
          {"state", known.state},
          {"health", known.health},
          {"reason", known.reason},
          {"detail", known.detail},
          {"running", known.restart_pending ? "restart_pending" : known.running},
          {"drift", drift_json(known)},
          {"drift_count", known.drift_count},
          {"verified_at", text_or_null(known.verified_at)},
          {"error", known.error},
          {"error_reason", known.error_reason}};
}

}  // namespace

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json time_json(const std::optional<Millis>& at) {
  return at ? Json(to_rfc3339(*at)) : Json();
}

Json latest_json(const rollout::Engine& engine, const std::string& role) {
  const auto latest = engine.intake.latest(role);
  if (!latest || latest->error) return {};
  return {{"commit", latest->commit},
          {"content_id", latest->content_id},
          {"files", latest->files},
          {"bytes", latest->bytes}};
}

namespace {

Json clone_json(const std::optional<rollout::Clone>& clone) {
  if (!clone) return {};
  return {{"hostname", clone->hostname},
          {"boot_id", clone->boot_id},
          {"peer", clone->peer},
          {"first_seen_at", to_rfc3339(clone->first_seen)},
          {"last_seen_at", to_rfc3339(clone->last_seen)}};
}

Json credential_json(const rollout::NodeIdentity& identity) {
  const Millis since = identity.credential_at;
  return {{"in_use_since", since > 0 ? Json(to_rfc3339(since)) : Json()},
          {"rotation_requested_at", time_json(identity.rotation_requested_at)},
          {"next_made_at", time_json(identity.pending_at)}};
}

}  // namespace

std::string node_state(const rollout::NodeView& node) {
  if (node.identity.revoked_at) return "revoked";
  return node.drained_at ? "draining" : node.presence;
}

Json node_json(const rollout::NodeView& node) {
  Json versions = Json::object();
  for (const auto& [role, report] : node.parts->reports) {
    if (!report.commit.empty()) versions[role] = report.commit;
  }
  return {{"node_id", node.id},
          {"state", node_state(node)},
          {"labels", node.labels},
          {"last_seen_at", time_json(node.last_seen)},
          {"agent_version", node.agent_version},
          {"hostname", node.hostname},
          {"boot_id", node.boot_id},
          {"joined_at", to_rfc3339(node.joined_at)},
          {"revoked_at", time_json(node.identity.revoked_at)},
          {"revoked_reason", node.identity.revoked_reason},
          {"drained_at", time_json(node.drained_at)},
          {"drained_reason", node.drained_reason},
          {"credential", credential_json(node.identity)},
          {"clone", clone_json(node.identity.clone)},
          {"cpu_percent", percent(node.cpu_percent)},
          {"memory_percent", percent(node.memory_percent)},
          {"disk_percent", percent(node.disk_percent)},
          {"role_versions", versions}};
}

Json roles_on_node_json(rollout::Engine& engine, const rollout::NodeView& node) {
  const auto catalog = engine.catalog.get();
  std::map<std::string, std::string> shown;
  for (const auto& role :
       domain::effective_roles(node.assigned, node.parts->reports, catalog->usable)) {
    shown[role.role] = role.source;
  }
  for (const auto& [role, report] : node.parts->reports) {
    if (report.installed()) shown.try_emplace(role, "none");
  }
  Json cells = Json::array();
  for (const auto& [name, source] : shown) {
    const rollout::CatalogRole* role = catalog->find(name);
    if (role && role->effective) {
      cells.push_back(cell_json(engine, node, *role->effective, source));
    } else {
      domain::EffectiveRole gone;  // files of a role that nobody defines any more
      gone.role.name = name;
      cells.push_back(cell_json(engine, node, gone, "none"));
    }
  }
  return cells;
}

Json source_json(const rollout::Engine& engine, const store::CodeSource& source) {
  std::string state = engine.intake.activity(source.name);
  if (state.empty()) state = source.state == "failed" ? "failed" : "idle";
  return {{"name", source.name},
          {"transport", source.transport},
          {"node_id", text_or_null(source.node_id)},
          {"repository", source.repository},
          {"branch", source.branch},
          {"commit", text_or_null(source.head_commit)},
          {"fetched_at", time_json(source.fetched_at)},
          {"fetch_state", state},
          {"error", source.message},
          {"reason", source.reason},
          {"hook_key_set", !source.hook_key.empty()},
          {"webhook", text_or_null(source.webhook_kind)},
          {"poll_seconds", source.poll_seconds},
          {"last_poll_at", time_json(source.polled_at)},
          {"require_signed_commits", source.require_signed}};
}

namespace {

// Why a commit of a source that requires signatures is never deployed; null: it may be.
Json refused_json(const store::CommitRecord& commit) {
  if (commit.refused_reason.empty()) return nullptr;
  return {{"reason", commit.refused_reason}, {"detail", commit.refused_message}};
}

}  // namespace

Json commit_json(const store::CommitRecord& commit) {
  return {{"source", commit.source},
          {"commit", commit.commit},
          {"author", commit.author},
          {"message", commit.message},
          {"committed_at", to_rfc3339(commit.committed_at)},
          {"imported_at", to_rfc3339(commit.received_at)},
          {"roles", commit.affected_roles.value_or(std::vector<std::string>{})},
          {"refused", refused_json(commit)}};
}

Json held_json(const store::HeldContent& held) {
  return {{"role_name", held.role},
          {"content_id", held.content_id},
          {"commit", held.commit},
          {"reason", held.reason},
          {"message", held.message},
          {"job_id", held.job_id},
          {"held_at", to_rfc3339(held.held_at)}};
}

Json job_json(const store::SyncJob& job, const std::vector<store::SyncTask>& tasks) {
  std::set<std::string> roles, nodes;
  Json approval;
  if (job.state == "awaiting_approval") {
    const rollout::Approvals waiting = rollout::approvals_from_text(job.progress);
    roles = {waiting.roles.begin(), waiting.roles.end()};
    nodes = {waiting.nodes.begin(), waiting.nodes.end()};
    approval = {{"required", rollout::to_json(waiting).at("required")}};
  }
  Json counts = Json::object();
  for (const auto& task : tasks) {
    roles.insert(task.role);
    nodes.insert(task.node);
    counts[task.state] = counts.value(task.state, 0) + 1;
  }
  const auto options = parse_json(job.options);
  return {{"job_id", job.id},
          {"state", job.state},
          {"reason", job.reason},
          {"message", job.message},
          {"plan_hash", job.plan_hash},
          {"roles", roles},
          {"nodes", nodes},
          {"created_at", to_rfc3339(job.created_at)},
          {"started_at", time_json(job.started_at)},
          {"finished_at", time_json(job.finished_at)},
          {"created_by", job.requested_by},
          {"request_id", job.request_id},
          {"options", options ? *options : Json::object()},
          {"approval", approval},
          {"counts", counts}};
}

Json task_json(const store::SyncTask& task, const std::vector<store::TaskEvent>& events) {
  Json steps = Json::array(), saved = Json::array();
  for (const auto& event : events) {
    steps.push_back({{"sequence", event.sequence},
                     {"state", event.state},
                     {"step", event.step},
                     {"reason", event.reason},
                     {"message", event.message},
                     {"output", event.output},
                     {"at", to_rfc3339(event.at)}});
    const auto details = parse_json(event.details);
    if (!details || !details->contains("saved") || !(*details)["saved"].is_array()) continue;
    for (const Json& file : (*details)["saved"]) saved.push_back(file);
  }
  return {{"task_id", task.id},
          {"job_id", task.job_id},
          {"node_id", task.node},
          {"role_name", task.role},
          {"state", task.state},
          {"step", task.step},
          {"reason", task.reason},
          {"message", task.message},
          {"restart_pending", task.restart_pending},
          {"from", version_json(task.from_commit, task.from_content_id, "")},
          {"to",
           {{"commit", text_or_null(task.commit)},
            {"content_id", text_or_null(task.content_id)},
            {"role_revision", text_or_null(task.role_revision)}}},
          {"role_revision", task.role_revision},
          {"fence", task.fence},
          {"started_at", time_json(task.started_at)},
          {"finished_at", time_json(task.finished_at)},
          {"steps", steps},
          {"saved", saved}};
}

Json reported_plugins(const rollout::NodeView& node) {
  auto list = parse_json(node.parts->text("plugins"), {64 << 20, 64});
  return list && list->is_array() ? std::move(*list) : Json::array();
}

}  // namespace rolesync::api
