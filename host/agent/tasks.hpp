// SPDX-License-Identifier: Apache-2.0
// The tasks of this node: stages, activates and cancels them, one at a time per target, and goes on
// with those that our own death interrupted. Any thread.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "host/agent/config.hpp"
#include "host/agent/installations.hpp"
#include "host/agent/keyed_workers.hpp"
#include "host/agent/prover.hpp"
#include "host/agent/role_action.hpp"
#include "host/agent/role_plugins.hpp"
#include "host/agent/self_update/self_updater.hpp"
#include "host/agent/server_link.hpp"
#include "host/agent/task.hpp"
#include "host/agent/task_events.hpp"
#include "host/agent/task_runner.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {

class Tasks {
 public:
  struct Parts {
    const AgentConfig& config;
    ServerLink& link;
    RolePlugins& plugins;
    Installations& installations;
    Prover& prover;
    Units& units;
    Ports& ports;
    Clock& clock;
    TaskStore& store;
    TaskEvents& events;
    SelfUpdater& self_updater;
    Liveness& liveness;
  };
  // `urgent`: there is an event that the server waits for. `ended`: so has a task, and what is
  // installed may be another thing. From any thread.
  struct Listener {
    std::function<void()> urgent, ended;
  };
  Tasks(Parts parts, Listener listener);
  ~Tasks();

  void stage(const Json& payload, std::uint64_t fence);
  void activate(const std::string& task_id, std::uint64_t fence);
  void cancel(const std::string& task_id, std::uint64_t fence);
  // A restart, start or stop of a role without a sync (role_action.hpp).
  void control(const Json& payload, std::uint64_t fence);

  // At start, after the installations were recovered: staging begins again, staged tasks wait on,
  // switching ones go on from their step (or end as `interrupted` when their switch was undone).
  void resume_all();
  void stop();

 private:
  struct Live;
  void do_stage(const std::shared_ptr<Live>& live);
  void do_activate(const std::shared_ptr<Live>& live);
  void do_drop(const std::shared_ptr<Live>& live);
  void do_resume(TaskRecord record);
  void begin_action(RoleAction action);
  void do_action(RoleAction& action);
  Status perform_action(const RoleAction& action, TaskRecord& events, std::string& detail);
  Status act(const RoleAction& action, TaskRecord& events, std::string& detail, bool& drained);
  Status hook(const RoleAction& action, const Command& command, const char* step,
              TaskRecord& events);
  void resume_actions();
  void resume(TaskRecord record);
  void refuse(const std::string& task_id, std::uint64_t fence, const Error& error);
  void end(TaskRecord& record, const char* state, const Error& error);
  Status check_fence(const std::string& role, std::uint64_t fence);
  std::shared_ptr<Live> find(const std::string& task_id);
  void forget(const std::string& task_id);
  void finish(const TaskRecord& record);
  TaskRunner::Parts runner_parts();
  void collect_garbage(const std::string& role, Installation& installation);
  void load_fences();

  Parts parts_;
  Listener listener_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Live>> live_;
  RoleActionStore actions_;
  std::set<std::string> acting_;                 // the actions that have not ended
  std::map<std::string, std::uint64_t> fences_;  // the highest seen, by role
  std::map<std::string, std::chrono::steady_clock::time_point> collected_;
  CancelFlag stopping_{false};
  KeyedWorkers workers_;
};

}  // namespace rolesync::agent
