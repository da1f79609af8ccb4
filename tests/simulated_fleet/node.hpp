// SPDX-License-Identifier: Apache-2.0
// One simulated agent: joins, waits in its heartbeat, acknowledges commands, does its tasks on a
// disk that exists only here, and answers with the events a real agent would send
// (docs/protocol.md; the body of its heartbeat is written by the agent's own code). Driven by the
// fleet's loop; one thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "connection.hpp"
#include "counts.hpp"
#include "host/agent/heartbeat_body.hpp"
#include "machine.hpp"
#include "options.hpp"

namespace rolesync::simulated {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

// What all nodes of a fleet share.
struct World {
  const Options& options;
  const Endpoint& endpoint;
  const std::string admin_token;
  int epoll = -1;
  Counts counts;
  std::map<std::string, std::shared_ptr<const Definitions>> definitions;  // by etag
  std::function<void(TimePoint when, std::size_t node)> wake_at;
  std::function<void(std::size_t node)> settled;  // it has its definitions, and has sent its report
  std::function<void(const std::string& node, const std::string& kind, const std::string& task)>
      delivered;
};

class Node {
 public:
  Node(World& world, std::size_t index, std::string name, Traits traits, std::string credential);

  void start() { go_on(); }
  void on_ready();
  void on_timer();

  const std::string& name() const { return name_; }
  const std::string& credential() const { return credential_; }

 private:
  enum class Asking { nothing, join_token, join, definitions, content, heartbeat };
  struct Task {
    std::string id, role, commit, content_id, role_revision, from;
    std::uint64_t fence = 0, sequence = 0;
    bool restart = false;
  };
  // Something that is being done until `due`; the task is switched, or staged, then.
  struct Work {
    std::string task;
    bool activates = false, fetched = false;
    TimePoint due;
  };

  void go_on();
  void ask(Asking what, const std::string& method, const std::string& path,
           const std::string& bearer, const std::string& body = "");
  void ask_for_join_token();
  void join();
  void heartbeat();
  void lost();
  void take(const Answer& answer);
  void take_joined(const Answer& answer);
  void take_definitions(const Answer& answer);
  void take_heartbeat(const Answer& answer);
  void obey(const Json& command);
  void refused(const Answer& answer);

  void begin(const std::string& task, bool activates);
  void do_due_work();
  void end_stage(Task& task);
  void end_switch(Task& task);
  void say(Task& task, const char* state, const char* step, const std::string& reason = "",
           const Release* release = nullptr);
  void end(const std::string& task) { tasks_.erase(task); }
  void has_news();
  void vanish();
  void pause(std::chrono::milliseconds time);
  std::string node_path(const std::string& rest) const;

  World& world_;
  const std::size_t index_;
  const std::string name_;
  const Traits traits_;
  Dice dice_;
  Machine machine_;
  Connection connection_;
  agent::HeartbeatBody body_;

  std::string join_token_, credential_, boot_id_;
  bool settled_ = false, dead_ = false;
  Asking asking_ = Asking::nothing;
  TimePoint give_up_at_ = TimePoint::max();  // on the answer
  TimePoint rest_until_{};                   // after a failure, or while vanished
  TimePoint hold_until_{};  // what a command leads to may come with the next report
  int tries_ = 0;

  std::shared_ptr<const Definitions> definitions_;
  std::string wanted_etag_;
  std::uint64_t heartbeats_ = 0;
  int wait_seconds_ = 25;
  std::deque<std::string> known_commands_;
  std::set<std::string> unacknowledged_;
  std::vector<std::string> acknowledging_, events_;
  std::size_t events_sent_ = 0;
  std::map<std::string, Task> tasks_;
  std::vector<Work> works_;
};

}  // namespace rolesync::simulated
