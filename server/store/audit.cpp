// SPDX-License-Identifier: Apache-2.0
#include "server/store/audit.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/json.hpp"

namespace rolesync::store {
namespace {

constexpr const char* truncated = "audit.truncated";

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

struct Ends {
  std::int64_t first_sequence = 1, last_sequence = 0;
  std::string first_previous_hash, last_hash;
};

Result<Ends> ends_of(Session& session) {
  const auto row = first_row(
      session.query("SELECT first_sequence, last_sequence, first_previous_hash, last_hash "
                    "FROM audit_ends WHERE one = 1"),
      "audit_ends_missing", "the audit log does not say where it begins and ends");
  if (!row) return row.error();
  return Ends{row->integer(0), row->integer(1), row->text(2), row->text(3)};
}

std::string fault_of(const AuditEntry& entry, std::int64_t expected, const std::string& previous) {
  if (entry.sequence != expected) return "entry " + std::to_string(expected) + " is missing";
  if (entry.hash != hash_of(entry)) return "the entry was edited: its hash is not that of its text";
  if (entry.previous_hash != previous) return "the entry does not follow the one before it";
  return "";
}

}  // namespace

Result<AuditEntry> append_audit(Session& session, AuditEntry entry) {
  const auto ends = ends_of(session);
  if (!ends) return ends.error();
  entry.sequence = std::max(ends->last_sequence + 1, ends->first_sequence);
  entry.previous_hash =
      ends->last_sequence < ends->first_sequence ? ends->first_previous_hash : ends->last_hash;
  entry.hash = hash_of(entry);
  const auto added = session.execute(
      "INSERT INTO audit_log (sequence, at, actor, action, subject, details, request_id, "
      "previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {entry.sequence, entry.at, entry.actor, entry.action, entry.subject, entry.details,
       entry.request_id, entry.previous_hash, entry.hash});
  if (!added) return added.error();
  const auto moved =
      session.execute("UPDATE audit_ends SET last_sequence = ?, last_hash = ? WHERE one = 1",
                      {entry.sequence, entry.hash});
  if (!moved) return moved.error();
  return entry;
}

const ListColumns& audit_columns() {
  using Kind = FilterColumn::Kind;
  static const ListColumns list{"sequence",
                                {{"sequence", "sequence", true}},
                                {{"actor", "actor = ?"},
                                 {"action", "action = ?"},
                                 {"subject", "subject = ?"},
                                 {"request_id", "request_id = ?"},
                                 {"since", "at >= ?", Kind::time},
                                 {"until", "at < ?", Kind::time}}};
  return list;
}

Result<std::size_t> truncate_audit(Session& session, Millis before, Millis now) {
  // Clocks may have been put back: what is younger, and all after it, stays.
  const auto last = session.query(
      "SELECT COALESCE((SELECT MIN(sequence) - 1 FROM audit_log WHERE at >= ?), "
      "(SELECT MAX(sequence) FROM audit_log), 0)",
      {before});
  if (!last) return last.error();
  const std::int64_t up_to = last->at(0).integer(0);
  const auto entries = each_row<AuditEntry>(
      session.query(std::string(columns) + "WHERE sequence = ?", {up_to}), entry_of);
  if (!entries) return entries.error();
  // One old entry is not worth another that tells of it; and the last one may be such.
  if (entries->empty() || entries->front().action == truncated) return std::size_t{0};
  AuditEntry anchor;
  anchor.at = now;
  anchor.actor = "system";
  anchor.action = truncated;
  anchor.subject = "audit";
  anchor.details = to_text({{"up_to", up_to}, {"hash", entries->front().hash}});
  if (const auto added = append_audit(session, std::move(anchor)); !added) return added.error();
  const auto moved = session.execute(
      "UPDATE audit_ends SET first_sequence = ?, first_previous_hash = ? WHERE one = 1",
      {up_to + 1, entries->front().hash});
  if (!moved) return moved.error();
  return session.execute("DELETE FROM audit_log WHERE sequence <= ?", {up_to});
}

Result<Listed<AuditEntry>> list_audit(Session& session, const Page& page) {
  return list_page<AuditEntry>(session, columns, audit_columns(), page, entry_of);
}

Result<AuditCheck> check_audit(Session& session, std::int64_t at) {
  constexpr int page = 1000;
  const auto ends = ends_of(session);
  if (!ends) return ends.error();
  AuditCheck check;
  check.first_sequence = ends->first_sequence;
  check.last_sequence = ends->first_sequence - 1;
  check.last_hash = ends->first_previous_hash;
  const auto broken = [&](std::int64_t where, std::string fault) {
    check.broken_at = where;
    check.fault = std::move(fault);
    return check;
  };
  while (true) {
    const auto entries = each_row<AuditEntry>(
        session.query(std::string(columns) + "WHERE sequence > ? ORDER BY sequence LIMIT ?",
                      {check.entries == 0 ? -1 : check.last_sequence, page}),
        entry_of);
    if (!entries) return entries.error();
    for (const AuditEntry& entry : *entries) {
      if (entry.sequence == at) check.hash_at = entry.hash;
      const std::int64_t expected = check.last_sequence + 1;
      if (std::string fault = fault_of(entry, expected, check.last_hash); !fault.empty()) {
        return broken(expected, std::move(fault));
      }
      ++check.entries;
      check.last_sequence = entry.sequence;
      check.last_hash = entry.hash;
    }
    if (entries->empty()) break;
  }
  const std::int64_t last = std::max(ends->last_sequence, ends->first_sequence - 1);
  if (check.last_sequence != last) {
    return broken(
        check.last_sequence + 1,
        "the last " + std::to_string(last - check.last_sequence) + " entries are missing");
  }
  if (last >= ends->first_sequence && check.last_hash != ends->last_hash) {
    return broken(last, "the last entry is not the one that was written");
  }
  return check;
}

}  // namespace rolesync::store
