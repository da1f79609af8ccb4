// SPDX-License-Identifier: Apache-2.0
// How this agent stands with its server: said in the log when it changes, and kept in
// <state_dir>/status.json for whoever is on the node. Any thread.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "host/agent/config.hpp"
#include "host/values/result.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync::agent {

enum class Standing {
  starting,
  connected,
  server_away,        // no answer, or none that an agent can use
  server_unverified,  // what answers cannot prove that it is the server
  refused,            // the server does not take this credential or this report
  revoked,            // the node was revoked or deleted: only a new join helps
  clone,              // another machine uses this identity
  stopped,
};
std::string_view standing_name(Standing standing);
Standing standing_of(const Error& error);
// The longest pause between two attempts. What only a person can change is asked for rarely.
std::chrono::seconds longest_pause(Standing standing);

// As in the file.
struct ContactStatus {
  std::string state;  // a Standing's name
  std::string node_id, agent_version, boot_id, server;
  std::int64_t pid = 0;
  Millis started_at = 0;
  Millis since = 0;            // of this state
  Millis last_contact_at = 0;  // 0: never. While connected up to a minute old
  Millis next_attempt_at = 0;  // 0: connected
  std::uint64_t failed_attempts = 0;
  // Of the last failure; empty while connected.
  std::string reason, message, hint;
  // "", or "pending" while a new credential was made and not used yet.
  std::string rotation;
  std::uint64_t queued_events = 0;
  // What is wrong with the queue on the disk; empty: nothing.
  std::string queue_reason, queue_message;
};
// Nothing when no agent ever ran with this state directory. Error: failed/status_damaged.
Result<std::optional<ContactStatus>> read_contact_status(const std::string& state_dir);

class Contact {
 public:
  Contact(const AgentConfig& config, std::string boot_id);

  void reached(const std::string& server);
  void failed(const std::string& server, const Error& error, std::chrono::milliseconds pause);
  void set_rotation(const std::string& rotation);
  void set_queue(std::uint64_t events, const std::optional<Error>& problem);
  void stopped();

  // A report of this process, at least one, was taken.
  bool has_reached_server() const { return reached_; }
  ContactStatus now();

 private:
  void enter(Standing standing, const std::string& reason);
  void write();

  const std::string path_;
  std::atomic<bool> reached_{false};
  std::mutex mutex_;
  ContactStatus status_;
  Millis written_at_ = 0;
  bool unwritable_ = false;
};

}  // namespace rolesync::agent
