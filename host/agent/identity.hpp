// SPDX-License-Identifier: Apache-2.0
// Who this node is to its server: made once by `join`, kept in the state directory. The credential
// is a file of its own with mode 0600. Start-up only.
#pragma once
#include <string>

#include "host/agent/config.hpp"
#include "host/values/result.hpp"

namespace rolesync::agent {

struct JoinToken {
  std::string text;                // as given
  std::string certificate_sha256;  // empty without TLS
};

// "rsj.<secret>.<fingerprint or ->". Error: invalid/invalid_token.
Result<JoinToken> parse_join_token(const std::string& text);

// Enrols this node and writes its identity: node id, server, certificate, credential.
// Errors of the server are passed on (token_expired, node_mismatch, ...).
Status join(const AgentConfig& config, const std::string& url, const std::string& token);

// Fills what the config leaves open from the identity that join wrote; none is fine.
Status apply_identity(AgentConfig& config);

}  // namespace rolesync::agent
