// SPDX-License-Identifier: Apache-2.0
#include "host/agent/contact_text.hpp"

#include <signal.h>

#include <cerrno>

#include "host/services/clock.hpp"

namespace rolesync::agent {
namespace {

std::string line(const char* name, const std::string& value) {
  return value.empty() ? "" : std::string(name) + ": " + value + "\n";
}

std::string time(Millis at) {
  return at > 0 ? to_rfc3339(at) : "";
}

}  // namespace

bool writer_runs(const ContactStatus& status) {
  if (status.state == standing_name(Standing::stopped) || status.pid <= 0) return false;
  if (status.boot_id != real_clock().boot_id()) return false;  // that number is another's now
  return ::kill(static_cast<pid_t>(status.pid), 0) == 0 || errno == EPERM;
}

std::string contact_text(const std::optional<ContactStatus>& status) {
  if (!status) return "no agent has run with this state directory\n";
  const bool running = writer_runs(*status);
  std::string text = line("node", status->node_id);
  text += line("state", running ? status->state : "stopped");
  text += line("since", time(status->since));
  text += line("server", status->server);
  text +=
      line("last contact", status->last_contact_at > 0 ? time(status->last_contact_at) : "never");
  text += line("reason", status->reason);
  text += line("message", status->message);
  text += line("what to do", status->hint);
  if (running) text += line("next attempt", time(status->next_attempt_at));
  text += line("credential", status->rotation.empty() ? "" : "rotation " + status->rotation);
  if (status->queued_events > 0) {
    text += line("waiting events", std::to_string(status->queued_events));
  }
  return text + line("queue", status->queue_message);
}

std::string contact_line(const ContactStatus& status) {
  std::string text =
      "node " + status.node_id + " " + status.state + " since " + to_rfc3339(status.since);
  return status.message.empty() ? text : text + ": " + status.message;
}

int contact_exit_code(const std::optional<ContactStatus>& status) {
  if (!status || !writer_runs(*status)) return 1;
  if (status->state == standing_name(Standing::connected)) return 0;
  const bool away = status->state == standing_name(Standing::server_away) ||
                    status->state == standing_name(Standing::starting);
  return away ? 8 : 4;
}

}  // namespace rolesync::agent
