// SPDX-License-Identifier: Apache-2.0
// The audit log: every change, with who and why, each entry holding the hash of the one before, so
// that a removed or edited line is found. Called inside Store::write or read.
#pragma once
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/session.hpp"

namespace rolesync::store {

struct AuditEntry {
  std::int64_t sequence = 0;  // given by the store, without gaps, from 1
  Millis at = 0;
  std::string actor;           // token name, node id, or "system"
  std::string action;          // "role.update", "sync.approve" ...
  std::string subject;         // "role/frontend", "node/n1" ...
  std::string details = "{}";  // JSON; never a secret
  std::string request_id;
  std::string previous_hash, hash;  // given by the store
};

Result<AuditEntry> append_audit(Session& session, AuditEntry entry);
// Newest first. `before`: only sequences below it (paging); 0 for the newest.
Result<std::vector<AuditEntry>> list_audit(Session& session, std::int64_t before = 0,
                                           int limit = 100);
// Forgets what is older. The chain goes on to be provable: an entry "audit.truncated", itself part
// of the chain, holds number and hash of the last one that went. Returns how many went.
Result<std::size_t> truncate_audit(Session& session, Millis before, Millis now);
// The sequence of the first entry that does not fit its chain, or nothing. A chain that does not
// begin at 1 must begin where its last "audit.truncated" says.
Result<std::optional<std::int64_t>> find_broken_audit(Session& session);

}  // namespace rolesync::store
