// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "host/agent/doctor/checks.hpp"
#include "host/services/clock.hpp"

namespace rolesync::agent::doctor {
namespace {

constexpr std::chrono::seconds kLimit{10};
constexpr Millis kDay = Millis{24} * 3600 * 1000;

std::string joined(const std::vector<std::string>& texts) {
  std::string line;
  for (const std::string& text : texts) line += (line.empty() ? "" : ", ") + text;
  return line;
}

Finding judge_certificate(const ServerTrial& trial, Millis now) {
  if (!trial.secure) return fine("server.certificate", "without TLS, on this machine only");
  if (!trial.certificate_expires_at) return fine("server.certificate", "it is the server we know");
  const Millis left = *trial.certificate_expires_at - now;
  const std::string until = to_rfc3339(*trial.certificate_expires_at);
  if (left < 30 * kDay) {
    return warning("server.certificate", "certificate_expires",
                   (left < 0 ? "it has expired at " : "it expires at ") + until,
                   "renew the server's certificate; agents that pin it must be told the new "
                   "fingerprint");
  }
  return fine("server.certificate", "it is the server we know; valid until " + until);
}

Finding judge_clock(Millis server, Millis now) {
  const long long apart = std::llabs(server - now) / 1000;
  const std::string seen = "this clock and the server's are " + std::to_string(apart) + " s apart";
  if (apart <= 30) return fine("server.clock", seen);
  const std::string hint = "let systemd-timesyncd or chrony set the clocks of both machines";
  return apart > 300 ? failure("server.clock", "clock_differs", seen, hint)
                     : warning("server.clock", "clock_differs", seen, hint);
}

Finding judge_credential(const ServerTrial& trial, bool has_credential) {
  if (!has_credential) {
    return failure("server.credential", "not_joined", "there is no credential to show",
                   "run `rolesync-agent join <url> <token>`");
  }
  if (trial.accepted) return fine("server.credential", "the server accepts this node");
  return failure("server.credential", trial.accepted.error().reason,
                 "the server answers: " + trial.accepted.error().message,
                 "when the node was revoked or deleted, join again with a new token");
}

}  // namespace

Findings judge_trial(const ServerAddress& address, const ServerTrial& trial, bool has_credential,
                     Millis now) {
  if (!trial.address) return {failure("server.url", trial.address.error())};
  if (!trial.name) return {failure("server.name", trial.name.error())};
  Findings findings{fine("server.name", address.url + " is " + joined(trial.addresses))};
  if (!trial.reached) {
    findings.push_back(failure("server.connection", trial.reached.error()));
    return findings;
  }
  findings.push_back(fine("server.connection", "accepted"));
  if (!trial.trusted) {
    findings.push_back(failure("server.certificate", trial.trusted.error()));
    return findings;
  }
  findings.push_back(judge_certificate(trial, now));
  if (!trial.answered) {
    findings.push_back(failure("server.answer", trial.answered.error()));
    return findings;
  }
  findings.push_back(judge_credential(trial, has_credential));
  if (trial.server_time) findings.push_back(judge_clock(*trial.server_time, now));
  return findings;
}

Findings check_server(const ServerAddress& address, const std::string& credential) {
  const ServerTrial trial = try_server(address, credential, "/api/roles/definitions", kLimit);
  return judge_trial(address, trial, !credential.empty(), real_clock().now());
}

}  // namespace rolesync::agent::doctor
