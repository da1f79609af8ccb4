// SPDX-License-Identifier: Apache-2.0
// Everything that makes the server work, put together in the right order, and the thread that lets
// time pass. server/api turns requests into calls of these parts. Owned by main.
#pragma once
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "server/http/events.hpp"
#include "server/http/streams.hpp"
#include "server/rollout/code_intake.hpp"
#include "server/rollout/commands.hpp"
#include "server/rollout/event_log.hpp"
#include "server/rollout/follower.hpp"
#include "server/rollout/heartbeats.hpp"
#include "server/rollout/job_desk.hpp"
#include "server/rollout/job_runner.hpp"
#include "server/rollout/leadership.hpp"
#include "server/rollout/node_registry.hpp"
#include "server/rollout/offer_desk.hpp"
#include "server/rollout/plan_desk.hpp"
#include "server/rollout/planner.hpp"
#include "server/rollout/retention.hpp"
#include "server/rollout/role_actions.hpp"
#include "server/rollout/role_catalog.hpp"
#include "server/rollout/scheduler.hpp"
#include "server/rollout/source_poller.hpp"
#include "server/rollout/tree_desk.hpp"

namespace rolesync::rollout {

struct EngineOptions {
  RoleDefaults defaults;
  PresenceLimits presence;
  domain::RolloutLimits limits;
  int heartbeat_interval_seconds = 25;
  std::chrono::milliseconds tick{500};
  OfferPaths offers;
  RetentionSettings retention;
  std::chrono::seconds tidy_every{3'600};  // old records, and what the cache need not keep
};

class Engine {
 public:
  // The three must outlive the engine.
  Engine(store::Store& store, plugin::Registry& registry, source::SourceService& service,
         EngineOptions options);
  ~Engine();

  // Loads everything, asks the role plugins, resumes jobs, starts the threads.
  Status start();
  // Threads end; nothing new is begun. What waits is answered by the front when it stops.
  void stop();

  // When time last passed: a server whose time stands does nothing of its own any more.
  Millis ticked_at() const { return ticked_at_; }
  // What the agent of `node` says about its tasks and actions. Errors: denied/task_of_other_node.
  Status take_events(const std::string& node, std::vector<ReportedEvent> events);

  // Role definitions may have been changed through another server.
  void follow_catalog();

  store::Store& store;
  plugin::Registry& registry;
  source::SourceService& source;
  const EngineOptions options;
  http::EventHub hub;
  http::StreamBroker streams;
  EventLog events;
  RoleCatalog catalog;
  NodeRegistry nodes;
  Commands commands;
  Heartbeats heartbeats;
  CodeIntake intake;
  SourcePoller poller;
  Identifications identifications;
  Inquiries inquiries;
  TreeDesk trees;
  Planner planner;
  PlanDesk plans;
  JobDesk desk;
  JobRunner runner;
  RoleActions actions;
  Scheduler scheduler;
  OfferDesk offers;
  Leadership leadership;
  Follower follower;

 private:
  void catalog_changed();
  void report_changed(const NodePointer& before, const NodePointer& after);
  void watch_time();
  void tidy(Millis now, bool leads);

  // Shared with the registry's watcher, which may be about to call when the engine goes.
  struct Signals {
    std::mutex mutex;
    std::condition_variable wake;
    bool stopping = false;
    bool plugins_changed = false;
  };
  const std::shared_ptr<Signals> signals_ = std::make_shared<Signals>();
  std::atomic<bool> following_ = false;  // whoever made the change tells of it
  bool led_ = false;
  Millis gave_back_at_ = 0;
  Millis tidied_at_ = 0;
  std::atomic<Millis> ticked_at_{0};
  std::thread ticker_;
};

}  // namespace rolesync::rollout
