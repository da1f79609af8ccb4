// SPDX-License-Identifier: Apache-2.0
// What the running agent has written down of its contact with the server: it knows since when and
// why there is none, which a look from outside cannot.
#include "host/agent/contact_text.hpp"
#include "host/agent/doctor/checks.hpp"
#include "host/services/clock.hpp"

namespace rolesync::agent::doctor {
namespace {

// A connected agent writes at least once a minute.
constexpr Millis kStale = Millis{5} * 60 * 1000;

std::string in_words(const std::string& state) {
  if (state == standing_name(Standing::server_away)) return "its server is away";
  if (state == standing_name(Standing::server_unverified)) {
    return "what answers cannot prove that it is the server";
  }
  if (state == standing_name(Standing::revoked)) return "the server has revoked this node";
  if (state == standing_name(Standing::clone)) return "another machine uses this node's identity";
  return "the server does not accept this node";
}

std::string last_contact(const ContactStatus& status) {
  return status.last_contact_at > 0 ? "last contact at " + to_rfc3339(status.last_contact_at)
                                    : "never in contact";
}

Finding without_contact(const ContactStatus& status) {
  std::string seen = in_words(status.state) + " since " + to_rfc3339(status.since) + " (" +
                     last_contact(status) + ", " + std::to_string(status.failed_attempts) +
                     " attempts";
  if (status.next_attempt_at > 0) seen += ", the next at " + to_rfc3339(status.next_attempt_at);
  seen += "): " + status.message;
  return failure("agent.contact", status.reason.empty() ? "server_unreachable" : status.reason,
                 seen, status.hint.empty() ? "see `rolesync-agent status`" : status.hint);
}

Finding judge_state(const ContactStatus& status, bool running, Millis now) {
  if (!running) {
    // state.lock says that none runs; what the last one knew is still worth telling.
    return fine("agent.contact", "no agent runs; of the last one: " + last_contact(status) +
                                     (status.message.empty() ? "" : ", " + status.message));
  }
  if (status.state == standing_name(Standing::starting)) {
    return warning("agent.contact", "agent_starting",
                   "the agent has run since " + to_rfc3339(status.started_at) +
                       " and has not reached its server yet",
                   "look again in a moment");
  }
  if (status.state != standing_name(Standing::connected)) return without_contact(status);
  if (now - status.last_contact_at > kStale) {
    return warning("agent.contact", "contact_stale",
                   "the agent says it is connected, but has written nothing since " +
                       to_rfc3339(status.last_contact_at),
                   "look at its log; a watchdog in its unit would have restarted it");
  }
  return fine("agent.contact",
              "connected to " + status.server + " since " + to_rfc3339(status.since));
}

}  // namespace

Findings judge_contact(const std::optional<ContactStatus>& status, bool running, Millis now) {
  if (!status) return {};
  Findings findings{judge_state(*status, running, now)};
  if (running && status->rotation == "pending") {
    findings.push_back(warning("agent.credential", "rotation_pending",
                               "a new credential was made and has not been used yet",
                               "it is tried whenever the server is reached; nothing to do"));
  }
  if (!status->queue_reason.empty()) {
    findings.push_back(failure("agent.queue", status->queue_reason,
                               "events for the server cannot be kept: " + status->queue_message,
                               "free space in state_dir, and check its permissions"));
  } else if (status->queued_events > 0) {
    findings.push_back(
        fine("agent.queue", std::to_string(status->queued_events) + " events wait for the server"));
  }
  return findings;
}

Findings check_contact(const AgentConfig& config) {
  const Result<std::optional<ContactStatus>> status = read_contact_status(config.state_dir);
  if (!status) {
    return {
        warning("agent.contact", "status_damaged", status.error().message, status.error().hint)};
  }
  return judge_contact(*status, *status && writer_runs(**status), real_clock().now());
}

}  // namespace rolesync::agent::doctor
