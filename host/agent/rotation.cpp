// SPDX-License-Identifier: Apache-2.0
#include "host/agent/rotation.hpp"

#include <nlohmann/json.hpp>

#include "host/agent/log.hpp"
#include "host/values/hash.hpp"

namespace rolesync::agent {
namespace {

bool has_status(const Result<HttpAnswer>& answer, int status) {
  return answer && answer->status == status;
}

}  // namespace

bool Rotation::is_pending() const {
  return !link_.credential().successor().empty();
}

Status Rotation::begin() {
  const Result<std::string> made = link_.credential().make_successor();
  if (!made) return made.error();
  contact_.set_rotation("pending");
  return {};
}

// The server is told the hash alone: the secret itself travels only where a credential does.
Result<HttpAnswer> Rotation::tell(const std::string& as, const std::string& successor) {
  const auto client = link_.connect_as(as);
  if (!client) return client.error();
  HttpRequest request;
  request.method = "POST";
  request.path = link_.node_path("credential");
  request.headers["Content-Type"] = "application/json";
  request.body = to_text(Json{{"credential_sha256", sha256_hex(successor)}});
  return (*client)->send(request);
}

// Told by the new credential itself, its hash is known already, and used now. When the server does
// not know it, the old one introduces it.
Rotation::Step Rotation::step() {
  const std::string successor = link_.credential().successor();
  if (successor.empty()) return Step::done;  // a new join came in between
  Result<HttpAnswer> answer = tell(successor, successor);
  if (has_status(answer, 401)) {
    answer = tell(link_.credential().current(), successor);
    if (has_status(answer, 200)) answer = tell(successor, successor);
  }
  if (has_status(answer, 200)) {
    if (Status kept = link_.credential().promote(); !kept) {
      log_event(LogLevel::error, "credential.unwritable", {{"detail", kept.error().text()}});
      return Step::again;
    }
    log_event(LogLevel::info, "credential.rotated");
    return Step::done;
  }
  const Error error = answer ? error_from_answer(*answer) : answer.error();
  log_event(LogLevel::warning, "credential.not_rotated",
            {{"reason", error.reason}, {"detail", error.text()}});
  return has_status(answer, 401) || has_status(answer, 403) ? Step::refused : Step::again;
}

void Rotation::finish() {
  Backoff backoff;
  while (!link_.stopping()) {
    contact_.set_rotation("pending");
    const Step did = step();
    if (did == Step::done) contact_.set_rotation("");
    // Refused: the heartbeat says why; the successor waits for the next start or order.
    if (did != Step::again) return;
    link_.pause(backoff.next());
  }
}

}  // namespace rolesync::agent
