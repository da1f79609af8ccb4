// SPDX-License-Identifier: Apache-2.0
// The agent's pulse: reports, waits for commands, and breaks off its own wait when something here
// has changed. Owns two threads: one that talks, one that looks in between.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "host/agent/commands.hpp"
#include "host/agent/contact.hpp"
#include "host/agent/definitions.hpp"
#include "host/agent/event_queue.hpp"
#include "host/agent/heartbeat_body.hpp"
#include "host/agent/liveness.hpp"
#include "host/agent/pace.hpp"
#include "host/agent/plugin_report.hpp"
#include "host/agent/role_report.hpp"
#include "host/agent/server_link.hpp"
#include "host/plugin/registry.hpp"
#include "host/services/machine.hpp"

namespace rolesync::agent {

class Heartbeat {
 public:
  struct Parts {
    const AgentConfig& config;
    ServerLink& link;
    DefinitionStore& definitions;
    RoleReporter& reporter;
    Commands& commands;
    plugin::Registry& registry;
    EventQueue& events;
    Contact& contact;
    Liveness& liveness;
  };
  explicit Heartbeat(Parts parts);
  ~Heartbeat() { end(); }
  void start();
  void end();  // after ServerLink::stop(); poke() still does no harm

  // Something here may have changed: look now, and report if so. Any thread.
  void poke();
  // Report in any case.
  void poke_and_report();
  // A command got so far that the server waits for word of it.
  void hurry();

 private:
  void talk();
  void talk_over(LinkClient& client);
  void watch();
  void rest(std::unique_lock<std::mutex>& lock);
  bool beat(LinkClient& client);
  bool took(const Json& said, LinkClient& client);
  void lost(const Error& error);
  Result<HttpAnswer> report(LinkClient& client, const std::vector<std::string>& acknowledged,
                            const std::vector<QueuedEvent>& events);
  void obey(const Json& said);
  void pause_for_work();
  std::string body(const std::vector<std::string>& acknowledged,
                   const std::vector<QueuedEvent>& events);
  LocalReport look(RoleReporter::Occasion occasion);
  LocalReport recent_report();

  Parts parts_;
  Machine machine_;
  HeartbeatBody body_;
  PluginReport plugins_;
  Backoff backoff_;
  Pace pace_;
  Liveness::Thread &talking_, &watching_;
  std::uint64_t sequence_ = 0;
  bool carries_events_ = true;          // not while the server refuses them
  std::string wanted_etag_;             // of the definitions the server has
  std::chrono::milliseconds pause_{0};  // before the next connection
  bool rest_until_joined_ = false;
  const std::string os_info_, instance_;

  std::mutex mutex_;
  std::condition_variable poked_;
  bool look_now_ = false, report_now_ = false, stopping_ = false;
  bool hurry_ = false;          // the next report does not wait for more
  bool on_the_way_ = false;     // a report is being made or sent, or waits for its answer
  std::string reported_roles_;  // as last sent
  LocalReport latest_;          // and when it was made; good until the next poke
  std::chrono::steady_clock::time_point latest_at_;
  bool latest_good_ = false;
  std::chrono::steady_clock::time_point gave_back_at_ = std::chrono::steady_clock::now();
  LinkClient* client_ = nullptr;  // while a poll may be waiting
  std::thread talker_, watcher_;
};

}  // namespace rolesync::agent
