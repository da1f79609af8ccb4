// SPDX-License-Identifier: Apache-2.0
#include "server/store/audit.hpp"

#include "host/values/hash.hpp"

namespace rolesync::store {
namespace {

constexpr const char* columns =
    "SELECT sequence, at, actor, action, subject, details, request_id, previous_hash, hash "
    "FROM audit_log ";

AuditEntry entry_of(const Row& row) {
  return {row.integer(0), row.integer(1), row.text(2), row.text(3), row.text(4),
          row.text(5),    row.text(6),    row.text(7), row.text(8)};
}

// Every field with its length, so that no two different entries have the same text.
std::string hash_of(const AuditEntry& entry) {
  std::string text;
  for (const std::string& field :
       {std::to_string(entry.sequence), std::to_string(entry.at), entry.actor, entry.action,
        entry.subject, entry.details, entry.request_id, entry.previous_hash}) {
    text += std::to_string(field.size()) + ":" + field + "\n";
  }
  return sha256_hex(text);
}

}  // namespace

Result<AuditEntry> append_audit(Session& session, AuditEntry entry) {
  const auto last = session.query(std::string(columns) + "ORDER BY sequence DESC LIMIT 1");
  if (!last) return last.error();
  entry.sequence = last->empty() ? 1 : last->front().integer(0) + 1;
  entry.previous_hash = last->empty() ? "" : last->front().text(8);
  entry.hash = hash_of(entry);
  const auto added = session.execute(
      "INSERT INTO audit_log (sequence, at, actor, action, subject, details, request_id, "
      "previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {entry.sequence, entry.at, entry.actor, entry.action, entry.subject, entry.details,
       entry.request_id, entry.previous_hash, entry.hash});
  if (!added) return added.error();
  return entry;
}

Result<std::vector<AuditEntry>> list_audit(Session& session, std::int64_t before, int limit) {
  return each_row<AuditEntry>(
      session.query(
          std::string(columns) + "WHERE (? = 0 OR sequence < ?) ORDER BY sequence DESC LIMIT ?",
          {before, before, limit}),
      entry_of);
}

Result<std::optional<std::int64_t>> find_broken_audit(Session& session) {
  constexpr int page = 1000;
  std::int64_t sequence = 0;
  std::string previous;
  while (true) {
    const auto entries = each_row<AuditEntry>(
        session.query(std::string(columns) + "WHERE sequence > ? ORDER BY sequence LIMIT ?",
                      {sequence, page}),
        entry_of);
    if (!entries) return entries.error();
    if (entries->empty()) return std::optional<std::int64_t>{};
    for (const AuditEntry& entry : *entries) {
      const bool fits = entry.sequence == sequence + 1 && entry.previous_hash == previous &&
                        entry.hash == hash_of(entry);
      if (!fits) return std::optional(entry.sequence);
      sequence = entry.sequence;
      previous = entry.hash;
    }
  }
}

}  // namespace rolesync::store
