// SPDX-License-Identifier: Apache-2.0
#include "host/agent/contact.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "host/agent/log.hpp"
#include "host/agent/version.hpp"
#include "host/services/clock.hpp"
#include "host/services/durable_file.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {
namespace {

// How old the last contact may be in the file while all is well.
constexpr Millis kRenew = 60'000;

std::string status_path(const std::string& state_dir) {
  return state_dir + "/status.json";
}

Json time_or_null(Millis at) {
  return at > 0 ? Json(to_rfc3339(at)) : Json();
}

Json to_json(const ContactStatus& status) {
  return {{"format", 1},
          {"state", status.state},
          {"since", to_rfc3339(status.since)},
          {"node_id", status.node_id},
          {"agent_version", status.agent_version},
          {"boot_id", status.boot_id},
          {"pid", status.pid},
          {"started_at", to_rfc3339(status.started_at)},
          {"server", status.server},
          {"last_contact_at", time_or_null(status.last_contact_at)},
          {"next_attempt_at", time_or_null(status.next_attempt_at)},
          {"failed_attempts", status.failed_attempts},
          {"reason", status.reason},
          {"message", status.message},
          {"hint", status.hint},
          {"rotation", status.rotation},
          {"queued_events", status.queued_events},
          {"queue_reason", status.queue_reason},
          {"queue_message", status.queue_message}};
}

std::string text(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it != json.end() && it->is_string() ? it->get<std::string>() : "";
}

Millis time(const Json& json, const char* key) {
  const auto at = from_rfc3339(text(json, key));
  return at ? *at : 0;
}

std::uint64_t count(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it != json.end() && it->is_number_unsigned() ? it->get<std::uint64_t>() : 0;
}

}  // namespace

std::string_view standing_name(Standing standing) {
  switch (standing) {
    case Standing::starting:
      return "starting";
    case Standing::connected:
      return "connected";
    case Standing::server_away:
      return "server_away";
    case Standing::server_unverified:
      return "server_unverified";
    case Standing::refused:
      return "refused";
    case Standing::revoked:
      return "revoked";
    case Standing::clone:
      return "clone";
    case Standing::stopped:
      break;
  }
  return "stopped";
}

Standing standing_of(const Error& error) {
  if (error.reason == "node_revoked" || error.reason == "node_deleted") return Standing::revoked;
  if (error.reason == "clone_detected") return Standing::clone;
  if (error.reason.starts_with("certificate_") || error.reason == "no_trust" ||
      error.reason == "tls_required") {
    return Standing::server_unverified;
  }
  switch (error.kind) {
    case ErrorKind::invalid:
    case ErrorKind::unauthenticated:
    case ErrorKind::denied:
    case ErrorKind::not_found:
    case ErrorKind::conflict:
    case ErrorKind::precondition:
    case ErrorKind::too_large:
      return Standing::refused;
    default:
      return Standing::server_away;
  }
}

std::chrono::seconds longest_pause(Standing standing) {
  switch (standing) {
    case Standing::revoked:
      return std::chrono::seconds(600);
    case Standing::server_unverified:
    case Standing::refused:
      return std::chrono::seconds(300);
    case Standing::clone:
      return std::chrono::seconds(45);  // the server forgets a clone that it does not hear of
    default:
      return std::chrono::seconds(30);
  }
}

Result<std::optional<ContactStatus>> read_contact_status(const std::string& state_dir) {
  Result<std::optional<std::string>> file = read_if_there(status_path(state_dir));
  if (!file) return file.error();
  if (!file->has_value()) return std::optional<ContactStatus>();
  const Result<Json> json = parse_json(**file);
  if (!json || !json->is_object() || text(*json, "state").empty()) {
    return Error{ErrorKind::failed, "status_damaged", status_path(state_dir) + " is not readable",
                 "a running agent writes it again within a minute"};
  }
  ContactStatus status;
  status.state = text(*json, "state");
  status.node_id = text(*json, "node_id");
  status.agent_version = text(*json, "agent_version");
  status.boot_id = text(*json, "boot_id");
  status.server = text(*json, "server");
  status.pid = static_cast<std::int64_t>(count(*json, "pid"));
  status.started_at = time(*json, "started_at");
  status.since = time(*json, "since");
  status.last_contact_at = time(*json, "last_contact_at");
  status.next_attempt_at = time(*json, "next_attempt_at");
  status.failed_attempts = count(*json, "failed_attempts");
  status.reason = text(*json, "reason");
  status.message = text(*json, "message");
  status.hint = text(*json, "hint");
  status.rotation = text(*json, "rotation");
  status.queued_events = count(*json, "queued_events");
  status.queue_reason = text(*json, "queue_reason");
  status.queue_message = text(*json, "queue_message");
  return std::optional<ContactStatus>(std::move(status));
}

Contact::Contact(const AgentConfig& config, std::string boot_id)
    : path_(status_path(config.state_dir)) {
  const Millis now = real_clock().now();
  // When the server was reached last is worth knowing also after a restart.
  if (const auto before = read_contact_status(config.state_dir); before && before->has_value()) {
    status_.last_contact_at = (*before)->last_contact_at;
  }
  status_.state = standing_name(Standing::starting);
  status_.node_id = config.node_id;
  status_.agent_version = kAgentVersion;
  status_.boot_id = std::move(boot_id);
  status_.pid = ::getpid();
  status_.started_at = status_.since = now;
  if (!config.server_urls.empty()) status_.server = config.server_urls.front();
  write();
}

void Contact::enter(Standing standing, const std::string& reason) {
  if (status_.state != standing_name(standing)) status_.since = real_clock().now();
  status_.state = standing_name(standing);
  status_.reason = reason;
}

void Contact::reached(const std::string& server) {
  const std::lock_guard lock(mutex_);
  const Millis now = real_clock().now();
  const bool fresh = status_.state != standing_name(Standing::connected);
  reached_ = true;
  status_.last_contact_at = now;
  if (fresh) {
    enter(Standing::connected, "");
    log_event(LogLevel::info, "server.reached",
              {{"server", server}, {"attempts", std::to_string(status_.failed_attempts + 1)}});
  }
  status_.server = server;
  status_.message.clear();
  status_.hint.clear();
  status_.next_attempt_at = 0;
  status_.failed_attempts = 0;
  if (fresh || now - written_at_ >= kRenew) write();
}

void Contact::failed(const std::string& server, const Error& error,
                     std::chrono::milliseconds pause) {
  const std::lock_guard lock(mutex_);
  const Standing standing = standing_of(error);
  const bool news = status_.state != standing_name(standing) || status_.reason != error.reason;
  enter(standing, error.reason);
  status_.server = server;
  status_.message = error.message;
  status_.hint = error.hint;
  status_.next_attempt_at = real_clock().now() + pause.count();
  ++status_.failed_attempts;
  write();
  // Said once, not at every attempt of a night without a server.
  log_event(
      news ? (standing == Standing::server_away ? LogLevel::warning : LogLevel::error)
           : LogLevel::debug,
      "server." + std::string(standing == Standing::server_away         ? "away"
                              : standing == Standing::server_unverified ? "unverified"
                                                                        : standing_name(standing)),
      {{"server", server},
       {"reason", error.reason},
       {"detail", error.text()},
       {"attempt", std::to_string(status_.failed_attempts)}});
}

void Contact::set_rotation(const std::string& rotation) {
  const std::lock_guard lock(mutex_);
  if (status_.rotation == rotation) return;
  status_.rotation = rotation;
  write();
}

void Contact::set_queue(std::uint64_t events, const std::optional<Error>& problem) {
  const std::lock_guard lock(mutex_);
  const std::string reason = problem ? problem->reason : "";
  const bool changed = status_.queue_reason != reason;
  status_.queued_events = events;
  status_.queue_reason = reason;
  status_.queue_message = problem ? problem->message : "";
  if (changed) write();
}

ContactStatus Contact::now() {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Contact::stopped() {
  const std::lock_guard lock(mutex_);
  const std::string reason = status_.reason;  // why it could not reach its server is kept
  enter(Standing::stopped, reason);
  status_.next_attempt_at = 0;
  write();
}

// Not synced: it tells of this moment, and the next write comes soon. Holds mutex_, or is alone.
void Contact::write() {
  written_at_ = real_clock().now();
  const Status written = write_whole(path_, to_text(to_json(status_)) + "\n", 0644);
  if (written.ok() != unwritable_) return;
  unwritable_ = !written.ok();
  if (unwritable_) {
    log_event(LogLevel::error, "status.unwritable", {{"detail", written.error().text()}});
  }
}

}  // namespace rolesync::agent
