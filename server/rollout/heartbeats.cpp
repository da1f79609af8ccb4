// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/heartbeats.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "host/values/json.hpp"
#include "server/rollout/release_records.hpp"
#include "server/rollout/wall_clock.hpp"

namespace rolesync::rollout {
namespace {

constexpr std::size_t kept_speakers = 8;
// After its answer an agent asks again at once. A machine needs longer to boot.
constexpr std::chrono::seconds comes_again_within{2};
constexpr Millis flush_every = Millis{10} * 60 * 1000;
constexpr Millis flush_for_others_every = Millis{10} * 1000;

std::string hostname_in(const Heartbeat& heartbeat) {
  const auto info = heartbeat.parts.find("os_info");
  if (info == heartbeat.parts.end()) return {};
  const auto json = parse_json(info->second);
  if (!json || !json->is_object()) return {};
  const Json name = json->value("hostname", Json());
  return name.is_string() ? name.get<std::string>() : std::string();
}

// The payload is JSON of our own: it goes out as it is, however many nodes get the same.
std::string command_text(const store::CommandRecord& command) {
  std::string text =
      to_text({{"id", command.id}, {"kind", command.kind}, {"fence", command.fence}});
  text.back() = ',';  // the closing brace
  return text + "\"payload\":" + (command.payload.empty() ? "{}" : command.payload) + "}";
}

}  // namespace

Heartbeats::Heartbeats(store::Store& store, NodeRegistry& nodes, Commands& commands,
                       RoleCatalog& catalog, EventLog& events, int interval_seconds,
                       PresenceLimits limits)
    : store_(store),
      nodes_(nodes),
      commands_(commands),
      catalog_(catalog),
      events_(events),
      interval_seconds_(interval_seconds),
      limits_(limits) {}

std::vector<std::string> Heartbeats::effective_roles(const NodeView& node) const {
  std::vector<std::string> roles;
  for (const auto& role :
       domain::effective_roles(node.assigned, node.parts->reports, catalog_.get()->usable)) {
    roles.push_back(role.role);
  }
  return roles;
}

Heartbeats::Answer Heartbeats::answer(const std::string& node, const std::string& known_etag,
                                      const std::vector<std::string>& resend) {
  const NodePointer view = nodes_.find(node);
  if (!view) return {};
  Json body = Json::object();
  Answer result;

  const Commands::Offered offered = commands_.offer(node);
  std::string commands;
  for (const auto& command : offered.commands) {
    commands += (commands.empty() ? "" : ",") + command_text(command);
  }
  if (!commands.empty()) result.at_once = !offered.insisting;
  if (!resend.empty()) {
    body["resend"] = resend;
    result.at_once = true;
  }
  const std::string etag = catalog_.get()->etag(effective_roles(*view));
  if (etag != known_etag) {
    body["definitions_etag"] = etag;
    const std::lock_guard lock(mutex_);
    std::string& announced = announced_[node];
    if (announced != view->boot_id + etag) result.at_once = true;
    announced = view->boot_id + etag;
  }
  if (body.empty() && commands.empty()) return result;
  body["definitions_etag"] = etag;
  body["heartbeat_interval_seconds"] = interval_seconds_;
  result.body = to_text(body);
  result.body.back() = ',';  // the closing brace
  result.body += "\"commands\":[" + commands + "]}";
  return result;
}

// Whether somebody else speaks for this node; if not, this one does from now on.
bool Heartbeats::is_clone(const std::string& node, const Heartbeat& heartbeat, Millis now) {
  const auto last_seen = nodes_.last_seen(node);
  const bool silent = !last_seen || now - *last_seen > limits_.late;
  const std::string speaker = heartbeat.boot_id + "/" + heartbeat.instance;
  const auto clock = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  Speakers& known = speakers_[node];
  if (known.current != speaker) {
    const auto waiting = waiting_.find(node);
    const bool left = waiting != waiting_.end() && waiting->second.reply->closed();
    const bool other_machine_is_here =
        known.boot_id != heartbeat.boot_id && !left && clock < known.present_until;
    const auto replaced = std::find(known.replaced.begin(), known.replaced.end(), speaker);
    const bool comes_back = replaced != known.replaced.end();
    if (other_machine_is_here || (comes_back && !silent)) return true;
    if (comes_back) known.replaced.erase(replaced);
    if (!known.current.empty()) known.replaced.push_back(known.current);
    if (known.replaced.size() > kept_speakers) known.replaced.pop_front();
    known.current = speaker;
    known.boot_id = heartbeat.boot_id;
  }
  known.present_until = clock + comes_again_within;
  return false;
}

void Heartbeats::refuse_clone(const http::Request& request, const Heartbeat& heartbeat,
                              http::Reply& reply, Millis now) {
  const std::string node = request.parameters.at("id");
  bool is_new = false;
  nodes_.change_identity(node, [&](NodeIdentity& identity) {
    is_new = !identity.clone;
    if (is_new) identity.clone = Clone{"", "", "", now, now};
    Clone& clone = *identity.clone;
    clone.boot_id = heartbeat.boot_id;
    clone.peer = request.peer;
    clone.last_seen = now;
    const std::string hostname = hostname_in(heartbeat);
    if (!hostname.empty()) clone.hostname = hostname;
  });
  if (is_new) {
    events_.publish(
        {.type = "clone_detected",
         .message = "a second machine (" + request.peer + ") uses the identity of node " + node,
         .node = node,
         .reason = "clone_detected",
         .request_id = request.id});
  }
  reply.send(http::problem({ErrorKind::conflict, "clone_detected",
                            "another machine is connected as node " + node,
                            "join this machine under a name of its own; or stop the other one"}));
}

void Heartbeats::forget_clones(Millis now) {
  for (const NodePointer& node : nodes_.all()) {
    const auto& clone = node->identity.clone;
    if (!clone || now - clone->last_seen <= limits_.offline) continue;
    nodes_.change_identity(node->id, [](NodeIdentity& identity) { identity.clone.reset(); });
    events_.publish(
        {.type = "clone_resolved",
         .message = "the second machine with the identity of node " + node->id + " is gone",
         .node = node->id});
  }
}

void Heartbeats::dismiss(const std::string& node, const Error& error) {
  std::shared_ptr<http::Reply> reply;
  {
    const std::lock_guard lock(mutex_);
    speakers_.erase(node);
    announced_.erase(node);
    const auto it = waiting_.find(node);
    if (it == waiting_.end()) return;
    reply = std::move(it->second.reply);
    waiting_.erase(it);
  }
  if (reply) reply->send(http::problem(error));
}

void Heartbeats::save(const NodeRegistry::Absorbed& absorbed, Millis now) {
  const NodeView& before = *absorbed.before;
  const NodeView& after = *absorbed.after;
  const bool rebooted = before.boot_id != after.boot_id;
  const bool upgraded = before.agent_version != after.agent_version;
  if (absorbed.changed.empty() && !rebooted && !upgraded) return;

  store::ReportChange change;
  change.last_seen_at = now;
  if (rebooted) change.boot_id = after.boot_id;
  if (upgraded) change.agent_version = after.agent_version;
  for (const std::string& part : absorbed.changed) {
    const std::string text = after.parts->text(part);
    if (part == "role_report") {
      change.role_report = text;
      change.role_versions = role_versions(after.parts->reports);
    } else if (part == "listening_ports") {
      change.listening_ports = text;
    } else if (part == "plugins") {
      change.plugins = text;
    } else {
      change.os_info = text;
    }
  }
  const auto catalog = catalog_.get();
  const Status written = store_.write([&](store::Session& s) -> Status {
    if (Status saved = store::save_report(s, after.id, change); !saved) return saved;
    if (!change.role_report) return {};
    return record_measured(s, after.id, before.parts->reports, after.parts->reports, *catalog, now);
  });
  if (!written) spdlog::error("node={} report not stored: {}", after.id, written.error().text());
}

void Heartbeats::take(const http::Request& request, const Heartbeat& heartbeat, int wait_seconds,
                      std::shared_ptr<http::Reply> reply) {
  const std::string node = request.parameters.at("id");
  const std::string& request_id = request.id;
  if (reply->closed()) return;  // what a process said before it died is not a second machine
  const Millis now = now_millis();
  if (is_clone(node, heartbeat, now)) return refuse_clone(request, heartbeat, *reply, now);
  const auto absorbed = nodes_.absorb(node, heartbeat, now);
  if (!absorbed.after) {
    return reply->send(http::problem({ErrorKind::unauthenticated, "node_deleted",
                                      "the node " + node + " was revoked or deleted",
                                      "join this machine again with a new token"}));
  }
  if (absorbed.before->presence != "online") {
    events_.publish({.type = "node_changed",
                     .message = "node " + node + " is online",
                     .node = node,
                     .state = "online",
                     .request_id = request_id});
  }
  save(absorbed, now);
  for (const Status& done : {commands_.acknowledge(node, heartbeat.acknowledged),
                             commands_.keep_boot(node, heartbeat.boot_id)}) {
    if (!done) return reply->send(http::problem(done.error()));
  }
  const bool reported = std::find(absorbed.changed.begin(), absorbed.changed.end(),
                                  "role_report") != absorbed.changed.end();
  if (reported && report_changed_) report_changed_(absorbed.before, absorbed.after);

  Answer ready = answer(node, heartbeat.definitions_etag, absorbed.resend);
  if (ready.at_once || wait_seconds == 0) {
    return reply->send(ready.body.empty() ? http::Response{204, {}, ""}
                                          : http::json_response(200, std::move(ready.body)));
  }
  park(node, heartbeat, wait_seconds, reply, std::move(ready));
}

void Heartbeats::park(const std::string& node, const Heartbeat& heartbeat, int wait_seconds,
                      const std::shared_ptr<http::Reply>& reply, Answer later) {
  // What is only repeated (commands not acknowledged, definitions not taken) is said, but slowly.
  const std::chrono::milliseconds wait =
      later.body.empty() ? std::chrono::seconds(wait_seconds) : std::chrono::seconds(1);
  std::shared_ptr<http::Reply> replaced;
  {
    const std::lock_guard lock(mutex_);
    Waiting& slot = waiting_[node];
    replaced = std::exchange(slot.reply, reply);
    slot.boot_id = heartbeat.boot_id;
    slot.known_etag = heartbeat.definitions_etag;
    slot.until = std::chrono::steady_clock::now() + wait;
    speakers_[node].present_until = slot.until + comes_again_within;
  }
  if (replaced) replaced->send({204, {}, ""});
  reply->send_after(wait, later.body.empty() ? http::Response{204, {}, ""}
                                             : http::json_response(200, std::move(later.body)));
  const NodePointer view = nodes_.find(node);
  if (!view) return;
  // Something may have been announced between our answer and the parking.
  if (!commands_.idle(node) ||
      catalog_.get()->etag(effective_roles(*view)) != heartbeat.definitions_etag) {
    wake(node);
  }
}

void Heartbeats::wake(const std::string& node) {
  Waiting waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto it = waiting_.find(node);
    if (it == waiting_.end()) return;
    waiting = it->second;
  }
  Answer ready = answer(node, waiting.known_etag, {});
  if (!ready.at_once) return;
  {
    const std::lock_guard lock(mutex_);
    const auto it = waiting_.find(node);
    if (it != waiting_.end() && it->second.reply == waiting.reply) waiting_.erase(it);
    speakers_[node].present_until = std::chrono::steady_clock::now() + comes_again_within;
  }
  waiting.reply->send(http::json_response(200, std::move(ready.body)));
}

void Heartbeats::wake_all() {
  std::vector<std::string> nodes;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [node, waiting] : waiting_) nodes.push_back(node);
  }
  for (const std::string& node : nodes) wake(node);
}

bool Heartbeats::speaks_here(const std::string& node) const {
  const std::lock_guard lock(mutex_);
  const auto known = speakers_.find(node);
  return known != speakers_.end() && std::chrono::steady_clock::now() < known->second.present_until;
}

void Heartbeats::flush_last_seen(Millis now) {
  Millis since = 0;
  {
    const std::lock_guard lock(mutex_);
    if (now - flushed_at_ < (store_.shared() ? flush_for_others_every : flush_every)) return;
    since = std::exchange(flushed_at_, now);
  }
  std::vector<store::Seen> seen;
  for (const NodePointer& node : nodes_.all()) {
    if (!node->last_seen || *node->last_seen < since - flush_for_others_every) continue;
    if (store_.shared() && !speaks_here(node->id)) continue;
    seen.push_back({node->id, *node->last_seen});
  }
  if (seen.empty()) return;
  const Status written = store_.write([&](store::Session& s) { return store::touch(s, seen); });
  if (!written) spdlog::error("last-seen times not stored: {}", written.error().text());
}

}  // namespace rolesync::rollout
