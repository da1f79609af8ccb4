// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/follower.hpp"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "server/rollout/engine.hpp"
#include "server/store/node_credentials.hpp"
#include "server/store/roles.hpp"

namespace rolesync::rollout {
namespace {

constexpr std::chrono::seconds look_every{5};

struct FollowedNode {
  std::string id;
  std::optional<store::Node> record;  // none: it was deleted
  std::set<std::string> assigned;
  std::optional<Millis> pending_at;
};

Result<FollowedNode> read_node(store::Session& session, const std::string& id) {
  FollowedNode node;
  node.id = id;
  auto record = store::find_node(session, id);
  if (!record && record.error().kind == ErrorKind::not_found) return node;
  if (!record) return record.error();
  node.record = std::move(*record);
  const auto assigned = store::assignments_of(session, id);
  if (!assigned) return assigned.error();
  for (const auto& assignment : *assigned) node.assigned.insert(assignment.role);
  const auto pending = store::pending_credentials(session);
  if (!pending) return pending.error();
  for (const auto& credential : *pending) {
    if (credential.node == id) node.pending_at = credential.created_at;
  }
  return node;
}

Error sent_away(const std::string& id, const char* reason, const char* what) {
  return {ErrorKind::unauthenticated, reason, "the node " + id + what,
          "join this machine again with a new token"};
}

}  // namespace

void Follower::start() {
  if (!engine_.store.shared()) return;
  thread_ = std::thread([this] { run(); });
  engine_.store.listen([this](const store::Store::Word& word) { hear(word); });
}

void Follower::stop() {
  if (!thread_.joinable()) return;
  engine_.store.end_listening();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  thread_.join();
}

void Follower::hear(const store::Store::Word& word) {
  const std::lock_guard lock(mutex_);
  heard_[word.topic].insert(word.subject);
  arrived_.notify_all();
}

void Follower::run() {
  auto looked_at = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (true) {
    arrived_.wait_until(lock, looked_at + look_every,
                        [this] { return stopping_ || !heard_.empty(); });
    if (stopping_) return;
    const Heard heard = std::exchange(heard_, {});
    lock.unlock();
    follow(heard);
    if (const auto now = std::chrono::steady_clock::now(); now - looked_at >= look_every) {
      looked_at = now;
      look();
    }
    lock.lock();
  }
}

// Commands first: somebody waits for them.
void Follower::follow(const Heard& heard) {
  const auto each = [&](const char* topic, const auto& act) {
    const auto it = heard.find(topic);
    if (it == heard.end()) return;
    for (const std::string& subject : it->second) act(subject);
  };
  if (heard.contains("")) return follow_everything();
  each("commands", [&](const std::string& node) { (void)engine_.commands.read_again(node); });
  each("task", [&](const std::string& id) { engine_.runner.task_told(id); });
  each("job", [&](const std::string& id) { engine_.runner.job_told(id); });
  each("action", [&](const std::string& id) { engine_.actions.action_told(id); });
  each("events", [&](const std::string&) { engine_.events.follow(); });
  if (const auto nodes = heard.find("node"); nodes != heard.end()) follow_nodes(nodes->second);
  if (heard.contains("roles")) engine_.follow_catalog();
  if (heard.contains("schedules")) engine_.scheduler.changed();
  each("source", [&](const std::string& name) { engine_.intake.follow(name); });
}

// The connection was made anew, at the start too: nobody knows what was missed.
void Follower::follow_everything() {
  look();
  follow_all_nodes();
  engine_.follow_catalog();
  engine_.scheduler.changed();
  engine_.intake.follow();
  engine_.runner.read_again();
}

void Follower::look() {
  (void)engine_.commands.read_again();
  engine_.events.follow();
  (void)engine_.actions.load();
  const auto seen = engine_.store.read([](store::Session& s) { return store::last_seen_times(s); });
  if (!seen) {
    spdlog::warn("other servers not followed: {}", seen.error().text());
    return;
  }
  for (const store::Seen& node : *seen) engine_.nodes.follow_last_seen(node.node, node.at);
}

void Follower::follow_all_nodes() {
  std::set<std::string> ids;
  for (const NodePointer& node : engine_.nodes.all()) ids.insert(node->id);
  const auto nodes = engine_.store.read([](store::Session& s) { return store::list_nodes(s); });
  if (!nodes) return;
  for (const store::Node& node : *nodes) ids.insert(node.id);
  follow_nodes(ids);
}

void Follower::follow_nodes(const std::set<std::string>& ids) {
  const auto nodes =
      engine_.store.read([&](store::Session& s) -> Result<std::vector<FollowedNode>> {
        std::vector<FollowedNode> found;
        for (const std::string& id : ids) {
          auto node = read_node(s, id);
          if (!node) return node.error();
          found.push_back(std::move(*node));
        }
        return found;
      });
  if (!nodes) return;
  for (const FollowedNode& node : *nodes) {
    if (!node.record) {
      engine_.nodes.remove(node.id);
      engine_.commands.forget_node(node.id);
      engine_.heartbeats.dismiss(node.id, sent_away(node.id, "node_deleted", " was deleted"));
      continue;
    }
    const NodePointer before = engine_.nodes.find(node.id);
    engine_.nodes.follow(*node.record, node.assigned, node.pending_at,
                         engine_.heartbeats.speaks_here(node.id));
    if (node.record->revoked_at && before && !before->identity.revoked_at) {
      engine_.commands.forget_node(node.id);
      engine_.heartbeats.dismiss(node.id, sent_away(node.id, "node_revoked", " was revoked"));
    } else {
      engine_.heartbeats.wake(node.id);
    }
  }
}

}  // namespace rolesync::rollout
