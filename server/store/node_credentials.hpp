// SPDX-License-Identifier: Apache-2.0
// By which secrets a node is known, and by which it was. One is in use (nodes.credential_hash), at
// most one is pending, any number have ended. Only sha256 hashes are stored. Called inside
// Store::write or read.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/session.hpp"

namespace rolesync::store {

struct NodeCredential {
  std::string hash, node;
  std::string state;   // pending | ended
  std::string reason;  // of an ended one: credential_replaced, node_revoked, node_deleted
  Millis created_at = 0;
  std::optional<Millis> ended_at;
};

// Nothing: no node ever had it, or it is the one in use.
Result<std::optional<NodeCredential>> find_credential(Session& session, const std::string& hash);
Result<std::vector<NodeCredential>> pending_credentials(Session& session);

// Good beside the one in use until either is used up: when this one is used first, the other ends.
// A pending one from before ends; the same one again changes nothing. conflict/credential_ended
// when this one has ended before.
Status add_pending_credential(Session& session, const std::string& node, const std::string& hash,
                              Millis at);
// Makes a pending one the one in use. False: it is not pending (any more).
Result<bool> use_pending_credential(Session& session, const std::string& node,
                                    const std::string& hash, Millis at);
// No credential of this node is good any more.
Status end_credentials(Session& session, const std::string& node, const std::string& reason,
                       Millis at);

}  // namespace rolesync::store
