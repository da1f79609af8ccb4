// SPDX-License-Identifier: Apache-2.0
// Takes heartbeats in and answers them: at once when there is something to say, else when there is,
// or when the wait is over. One waiting poll per node; a second machine with the same identity is
// refused. Any thread.
#pragma once
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/http/router.hpp"
#include "server/rollout/commands.hpp"
#include "server/rollout/event_log.hpp"
#include "server/rollout/heartbeat_body.hpp"
#include "server/rollout/node_registry.hpp"
#include "server/rollout/role_catalog.hpp"

namespace rolesync::rollout {

class Heartbeats {
 public:
  Heartbeats(store::Store& store, NodeRegistry& nodes, Commands& commands, RoleCatalog& catalog,
             EventLog& events, int interval_seconds, PresenceLimits limits);

  void take(const http::Request& request, const Heartbeat& heartbeat, int wait_seconds,
            std::shared_ptr<http::Reply> reply);

  // The node was revoked or deleted: its waiting poll gets this answer, and what is remembered of
  // who spoke for it goes.
  void dismiss(const std::string& node, const Error& error);
  // Clones that have not been heard of for a while are gone.
  void forget_clones(Millis now);

  void wake(const std::string& node);  // there is a command, or its roles changed
  void wake_all();                     // the definitions changed
  // Nodes whose role report changed: called with both views, on the thread that took it.
  using Changed = std::function<void(const NodePointer& before, const NodePointer& after)>;
  void on_report(Changed callback) { report_changed_ = std::move(callback); }

  // Which roles count on a node now.
  std::vector<std::string> effective_roles(const NodeView& node) const;

  // Last-seen times that only memory knows; at most every ten minutes, or when another server
  // wants to know them, every ten seconds.
  void flush_last_seen(Millis now);
  // The node waits here, or is about to come again.
  bool speaks_here(const std::string& node) const;

 private:
  struct Waiting {
    std::shared_ptr<http::Reply> reply;
    std::string boot_id;
    std::string known_etag;                       // what the agent said it has
    std::chrono::steady_clock::time_point until;  // afterwards it was answered
  };
  // The processes that have spoken for a node. A process that was replaced and comes back is a
  // second machine: neither boot ids nor instances are given twice.
  struct Speakers {
    std::string current, boot_id;
    std::deque<std::string> replaced;
    // While the current one waits, and a moment longer: it is about to come again.
    std::chrono::steady_clock::time_point present_until;
  };
  struct Answer {
    std::string body;  // empty: nothing to say
    bool at_once = false;
  };
  Answer answer(const std::string& node, const std::string& known_etag,
                const std::vector<std::string>& resend);
  bool is_clone(const std::string& node, const Heartbeat& heartbeat, Millis now);
  void refuse_clone(const http::Request& request, const Heartbeat& heartbeat, http::Reply& reply,
                    Millis now);
  void save(const NodeRegistry::Absorbed& absorbed, Millis now);
  void park(const std::string& node, const Heartbeat& heartbeat, int wait_seconds,
            const std::shared_ptr<http::Reply>& reply, Answer later);

  store::Store& store_;
  NodeRegistry& nodes_;
  Commands& commands_;
  RoleCatalog& catalog_;
  EventLog& events_;
  const int interval_seconds_;
  const PresenceLimits limits_;
  Changed report_changed_;

  mutable std::mutex mutex_;
  std::map<std::string, Waiting> waiting_;
  std::map<std::string, Speakers> speakers_;
  std::map<std::string, std::string> announced_;  // node -> boot + etag already told
  Millis flushed_at_ = 0;
};

}  // namespace rolesync::rollout
