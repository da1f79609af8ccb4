// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/node_registry.hpp"

#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/json.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/node_credentials.hpp"
#include "server/store/roles.hpp"

namespace rolesync::rollout {
namespace {

Json read_json(const std::string& text) {
  const auto parsed = parse_json(text, {64 << 20, 64});
  return parsed ? *parsed : Json();
}

std::string text_in(const Json& object, const char* field) {
  const auto it = object.find(field);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

NodePlugins read_plugins(const Json& list) {
  NodePlugins plugins;
  for (const Json& plugin : list) {
    if (!plugin.is_object()) continue;
    NodePlugins::Each each{text_in(plugin, "name"), text_in(plugin, "version"),
                           text_in(plugin, "state")};
    const auto faults = plugin.find("faults");
    if (faults != plugin.end() && faults->is_number_unsigned()) {
      each.faults = faults->get<std::uint64_t>();
    }
    plugins.all.push_back(each);
    const auto provides = plugin.find("provides");
    if (each.state != "ready" || provides == plugin.end()) continue;
    for (const Json& provided : *provides) {
      if (!provided.is_object()) continue;
      const std::string kind = text_in(provided, "kind"), id = text_in(provided, "id");
      if (!kind.empty() && !id.empty()) plugins.usable.emplace(kind, id);
    }
  }
  return plugins;
}

// A proof that found what the one before found changes nothing worth a database write.
Json without_proof_times(const std::string& report) {
  Json json = read_json(report);
  if (json.is_object()) {
    for (auto& [role, entry] : json.items()) {
      if (entry.is_object()) entry.erase("verified_at");
    }
  }
  return json;
}

// How long a heartbeat that was made before a task ended may be under way.
constexpr Millis late_heartbeat = 10'000;

// A role report with other entries for some roles; null takes one out.
std::string with_changes(const std::string& report, const std::string& changes) {
  Json whole = read_json(report);
  if (!whole.is_object()) whole = Json::object();
  const Json changed = read_json(changes);
  for (const auto& [role, entry] : changed.items()) {
    if (entry.is_null()) {
      whole.erase(role);
    } else {
      whole[role] = entry;
    }
  }
  return to_text(whole);
}

// The parts of a heartbeat with the role report made whole, if the node's changes are from the
// report that is known here; else its hash remains, and leads to the question for all of it.
Heartbeat made_whole(Heartbeat heartbeat, const NodeParts& known) {
  if (heartbeat.role_report_changes.empty()) return heartbeat;
  std::string whole = with_changes(known.text("role_report"), heartbeat.role_report_changes);
  const auto hash = heartbeat.hashes.find("role_report");
  if (hash != heartbeat.hashes.end() && sha256_hex(whole) == hash->second) {
    heartbeat.hashes.erase(hash);
    heartbeat.parts["role_report"] = std::move(whole);
  }
  return heartbeat;
}

std::string hostname_of(const NodeParts& parts) {
  const Json info = read_json(parts.text("os_info"));
  if (!info.is_object()) return {};
  const Json name = info.value("hostname", Json());
  return name.is_string() ? name.get<std::string>() : std::string();
}

}  // namespace

std::string NodeParts::text(const std::string& part) const {
  const auto it = packed.find(part);
  return it == packed.end() ? std::string() : it->second.text();
}

// A park of machines has few different sets of plugins.
std::shared_ptr<const NodePlugins> NodeRegistry::shared(NodePlugins plugins) {
  std::string key;
  for (const NodePlugins::Each& each : plugins.all) {
    key += each.name + '\n' + each.version + '\n' + each.state + '\n' +
           std::to_string(each.faults) + '\n';
  }
  for (const auto& [kind, id] : plugins.usable) key += kind + '\n' + id + '\n';
  auto& known = plugins_[key];
  auto pointer = known.lock();
  if (!pointer) known = pointer = std::make_shared<const NodePlugins>(std::move(plugins));
  return pointer;
}

void NodeRegistry::interpret(NodeParts& parts, const std::string& part, const std::string& text) {
  if (part == "role_report") {
    parts.reports = domain::role_reports_from_json(read_json(text));
  } else if (part == "plugins") {
    const Json list = read_json(text);
    const bool said = list.is_array() && !list.empty();
    parts.plugins = said ? shared(read_plugins(list)) : nullptr;
  }
}

Status NodeRegistry::load(store::Store& store) {
  struct Loaded {
    std::vector<store::Node> nodes;
    std::vector<store::Assignment> assignments;
    std::vector<store::NodeCredential> pending;
  };
  const auto loaded = store.read([](store::Session& s) -> Result<Loaded> {
    auto nodes = store::list_nodes(s);
    if (!nodes) return nodes.error();
    auto assignments = store::list_assignments(s);
    if (!assignments) return assignments.error();
    auto pending = store::pending_credentials(s);
    if (!pending) return pending.error();
    return Loaded{std::move(*nodes), std::move(*assignments), std::move(*pending)};
  });
  if (!loaded) return loaded.error();
  std::map<std::string, std::set<std::string>> assigned;
  for (const auto& assignment : loaded->assignments) {
    assigned[assignment.node].insert(assignment.role);
  }
  for (const store::Node& node : loaded->nodes) put(node, assigned[node.id]);
  for (const auto& credential : loaded->pending) {
    change_identity(credential.node,
                    [&](NodeIdentity& identity) { identity.pending_at = credential.created_at; });
  }
  return {};
}

void NodeRegistry::put(const store::Node& node, std::set<std::string> assigned) {
  auto parts = std::make_shared<NodeParts>();
  const std::pair<const char*, const std::string&> texts[] = {
      {"role_report", node.role_report},
      {"listening_ports", node.listening_ports},
      {"plugins", node.plugins},
      {"os_info", node.os_info}};
  const std::lock_guard lock(mutex_);
  for (const auto& [part, text] : texts) {
    parts->packed[part] = PackedText(text);
    interpret(*parts, part, text);
  }
  auto view = std::make_shared<NodeView>();
  view->id = node.id;
  view->boot_id = node.boot_id;
  view->agent_version = node.agent_version;
  view->hostname = hostname_of(*parts);
  view->last_seen = node.last_seen_at;
  view->joined_at = node.created_at;
  if (node.draining) view->drained_at = node.drained_at.value_or(node.created_at);
  view->drained_reason = node.drained_reason;
  view->labels = store::labels_from_json(node.labels);
  view->identity.credential_at = node.credential_at;
  view->identity.rotation_requested_at = node.rotation_requested_at;
  view->identity.revoked_at = node.revoked_at;
  view->identity.revoked_reason = node.revoked_reason;
  if (node.revoked_at) view->presence = "revoked";
  view->assigned = {node.assignment_version > 0, std::move(assigned)};
  view->assignment_version = node.assignment_version;
  view->parts = std::move(parts);
  nodes_[node.id] = std::move(view);
}

void NodeRegistry::follow(const store::Node& node, std::set<std::string> assigned,
                          std::optional<Millis> pending_at, bool speaks_here) {
  const NodePointer before = find(node.id);
  const bool known = before != nullptr;
  const bool same_report = known && before->boot_id == node.boot_id &&
                           before->agent_version == node.agent_version &&
                           before->parts->text("role_report") == node.role_report &&
                           before->parts->text("listening_ports") == node.listening_ports &&
                           before->parts->text("plugins") == node.plugins &&
                           before->parts->text("os_info") == node.os_info;
  if (!known || (!speaks_here && !same_report)) {
    put(node, assigned);
  }
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(node.id);
  if (it == nodes_.end()) return;
  auto view = std::make_shared<NodeView>(*it->second);
  if (known) {
    view->identity.clone = before->identity.clone;
    view->cpu_percent = before->cpu_percent;
    view->memory_percent = before->memory_percent;
    view->disk_percent = before->disk_percent;
    view->last_seen = std::max(before->last_seen, node.last_seen_at);
  }
  view->draining = node.draining;
  view->labels = store::labels_from_json(node.labels);
  view->identity.credential_at = node.credential_at;
  view->identity.rotation_requested_at = node.rotation_requested_at;
  view->identity.pending_at = pending_at;
  view->identity.revoked_at = node.revoked_at;
  view->identity.revoked_reason = node.revoked_reason;
  view->assigned = {node.assignment_version > 0, std::move(assigned)};
  view->assignment_version = node.assignment_version;
  view->presence = presence(*view, now_millis());  // whoever heard of it tells
  it->second = std::move(view);
}

void NodeRegistry::follow_last_seen(const std::string& node, Millis at) {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end() || it->second->last_seen.value_or(0) >= at) return;
  auto view = std::make_shared<NodeView>(*it->second);
  view->last_seen = at;
  view->presence = presence(*view, now_millis());
  it->second = std::move(view);
}

void NodeRegistry::remove(const std::string& node) {
  const std::lock_guard lock(mutex_);
  nodes_.erase(node);
}

void NodeRegistry::label(const std::string& node, std::map<std::string, std::string> labels) {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  auto view = std::make_shared<NodeView>(*it->second);
  view->labels = std::move(labels);
  it->second = std::move(view);
}

void NodeRegistry::drain(const std::string& node, std::optional<Millis> at, std::string reason) {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  auto view = std::make_shared<NodeView>(*it->second);
  view->drained_at = at;
  view->drained_reason = std::move(reason);
  it->second = std::move(view);
}

void NodeRegistry::assign(const std::string& node, std::set<std::string> roles,
                          std::int64_t version) {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end() || it->second->assignment_version >= version) return;
  auto view = std::make_shared<NodeView>(*it->second);
  view->assigned = {true, std::move(roles)};
  view->assignment_version = version;
  it->second = std::move(view);
}

NodePointer NodeRegistry::find(const std::string& node) const {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? nullptr : it->second;
}

std::vector<NodePointer> NodeRegistry::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<NodePointer> result;
  result.reserve(nodes_.size());
  for (const auto& [id, view] : nodes_) result.push_back(view);
  return result;
}

std::optional<Millis> NodeRegistry::last_seen(const std::string& node) const {
  const NodePointer view = find(node);
  return view ? view->last_seen : std::nullopt;
}

bool NodeRegistry::is_failing(const std::string& node, const std::string& role) const {
  const NodePointer view = find(node);
  if (!view) return false;
  const auto report = view->parts->reports.find(role);
  return report != view->parts->reports.end() && report->second.health == "failing";
}

NodeRegistry::Absorbed NodeRegistry::absorb(const std::string& node, Heartbeat heartbeat,
                                            Millis now) {
  const std::lock_guard lock(mutex_);
  Absorbed absorbed;
  const auto known = nodes_.find(node);
  // Deleted or revoked while this was on its way.
  if (known == nodes_.end() || known->second->identity.revoked_at) return absorbed;
  NodePointer& slot = known->second;
  absorbed.before = slot;
  auto view = std::make_shared<NodeView>(*absorbed.before);
  heartbeat = made_whole(std::move(heartbeat), *view->parts);
  const bool rebooted = view->boot_id != heartbeat.boot_id;
  // Most heartbeats say nothing new: then nothing is copied.
  std::shared_ptr<NodeParts> parts;
  if (rebooted || !heartbeat.parts.empty()) parts = std::make_shared<NodeParts>(*view->parts);
  if (rebooted) parts->hash.clear();
  view->id = node;
  view->boot_id = heartbeat.boot_id;
  if (!heartbeat.agent_version.empty()) view->agent_version = heartbeat.agent_version;
  view->last_seen = now;
  view->presence = "online";
  view->cpu_percent = heartbeat.cpu_percent;
  view->memory_percent = heartbeat.memory_percent;
  view->disk_percent = heartbeat.disk_percent;

  for (const auto& [part, text] : heartbeat.parts) {
    const std::string before = parts->text(part);
    if (text != before) {
      const bool proof = part == "role_report";
      if (!proof || without_proof_times(text) != without_proof_times(before)) {
        absorbed.changed.push_back(part);
      }
      parts->packed[part] = PackedText(text);
      interpret(*parts, part, text);
    }
    parts->hash[part] = sha256_hex(text);
    if (part == "plugins" && !parts->plugins) parts->plugins = shared({});  // it has none at all
    if (part == "role_report") keep_what_is_newer(node, *absorbed.before->parts, *parts, now);
  }
  const NodeParts& known_parts = parts ? *parts : *view->parts;
  for (const auto& [part, hash] : heartbeat.hashes) {
    const auto known = known_parts.hash.find(part);
    if (known == known_parts.hash.end() || known->second != hash) absorbed.resend.push_back(part);
  }
  if (parts) {
    view->hostname = hostname_of(*parts);
    view->parts = std::move(parts);
  }
  slot = view;
  absorbed.after = view;
  return absorbed;
}

void NodeRegistry::touch(const std::string& node, Millis now) {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  auto view = std::make_shared<NodeView>(*it->second);
  view->last_seen = now;
  it->second = std::move(view);
}

void NodeRegistry::change_identity(const std::string& node,
                                   const std::function<void(NodeIdentity&)>& change) {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  auto view = std::make_shared<NodeView>(*it->second);
  change(view->identity);
  if (view->identity.revoked_at) view->presence = "revoked";
  it->second = std::move(view);
}

void NodeRegistry::keep_what_is_newer(const std::string& node, const NodeParts& before,
                                      NodeParts& parts, Millis now) {
  for (auto& [role, report] : parts.reports) {
    const auto it = superseded_.find({node, role});
    if (it == superseded_.end()) continue;
    const auto known = before.reports.find(role);
    if (now < it->second.until && known != before.reports.end() &&
        domain::same_release(report, it->second.report)) {
      report = known->second;
      parts.hash.erase("role_report");  // the next one has to say it in full
    } else {
      superseded_.erase(it);
    }
  }
}

void NodeRegistry::set_release(const std::string& node, const std::string& role,
                               const domain::RoleReport& report, Millis now) {
  const std::lock_guard lock(mutex_);
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return;
  auto view = std::make_shared<NodeView>(*it->second);
  auto parts = std::make_shared<NodeParts>(*view->parts);
  domain::RoleReport& known = parts->reports[role];
  if (!domain::same_release(known, report))
    superseded_[{node, role}] = {known, now + late_heartbeat};
  parts->hash.erase("role_report");
  known.commit = report.commit;
  known.content_id = report.content_id;
  known.role_revision = report.role_revision;
  known.verified_at = report.verified_at;
  known.restart_pending = report.restart_pending;
  known.running = report.restart_pending ? "restart_pending" : known.running;
  known.drift.clear();
  known.drift_count = 0;
  known.error.clear();
  view->parts = std::move(parts);
  it->second = std::move(view);
}

std::string_view NodeRegistry::presence(const NodeView& node, Millis now) const {
  if (node.identity.revoked_at) return "revoked";
  if (!node.last_seen || now - *node.last_seen > limits_.offline) return "offline";
  return now - *node.last_seen > limits_.late ? "late" : "online";
}

std::vector<NodePointer> NodeRegistry::update_presence(Millis now) {
  const std::lock_guard lock(mutex_);
  std::vector<NodePointer> changed;
  for (auto& [id, slot] : nodes_) {
    const std::string_view word = presence(*slot, now);
    if (word == slot->presence) continue;
    auto view = std::make_shared<NodeView>(*slot);
    view->presence = word;
    slot = view;
    changed.push_back(std::move(view));
  }
  return changed;
}

}  // namespace rolesync::rollout
