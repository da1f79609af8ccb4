// SPDX-License-Identifier: Apache-2.0
// The audit log: every change, with who and why, each entry holding the hash of the one before, so
// that a removed or edited line is found; where the log begins and ends is kept apart, so that
// lines missing at an end are found too. Called inside Store::write or read.
#pragma once
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/page.hpp"

namespace rolesync::store {

struct AuditEntry {
  std::int64_t sequence = 0;  // given by the store, without gaps
  Millis at = 0;
  std::string actor;           // token name, node id, or "system"
  std::string action;          // "role.update", "sync.approve" ...
  std::string subject;         // "role/frontend", "node/n1" ...
  std::string details = "{}";  // JSON; never a secret
  std::string request_id;
  std::string previous_hash, hash;  // given by the store
};

Result<AuditEntry> append_audit(Session& session, AuditEntry entry);

// Sorted by sequence; filtered by actor, action, subject, request_id, since, until.
const ListColumns& audit_columns();
Result<Listed<AuditEntry>> list_audit(Session& session, const Page& page);

// Forgets what is older. Where the log begins is written down, and an entry "audit.truncated",
// itself part of the chain, holds number and hash of the last one that went. Returns how many went.
Result<std::size_t> truncate_audit(Session& session, Millis before, Millis now);

struct AuditCheck {
  std::int64_t entries = 0, first_sequence = 0, last_sequence = 0;
  std::string last_hash;
  // The first place where the chain does not hold, and what is wrong there.
  std::optional<std::int64_t> broken_at;
  std::string fault;
  std::optional<std::string> hash_at;  // of the entry that was asked for, when it is there
};
// Computes every hash anew. `at`: an entry whose hash is wanted besides.
Result<AuditCheck> check_audit(Session& session, std::int64_t at = 0);

}  // namespace rolesync::store
