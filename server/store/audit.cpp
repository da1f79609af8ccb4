// SPDX-License-Identifier: Apache-2.0
#include "server/store/audit.hpp"

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
  return session.execute("DELETE FROM audit_log WHERE sequence <= ?", {up_to});
}

namespace {

struct Beginning {
  std::int64_t sequence = 0;  // of the last entry that is gone
  std::string hash;           // its
};

Result<Beginning> beginning(Session& session) {
  const auto anchors = each_row<AuditEntry>(
      session.query(std::string(columns) + "WHERE action = ? ORDER BY sequence DESC LIMIT 1",
                    {truncated}),
      entry_of);
  if (!anchors) return anchors.error();
  if (anchors->empty()) return Beginning{};
  const auto details = parse_json(anchors->front().details);
  if (!details || !details->is_object()) return Beginning{};
  const auto up_to = details->find("up_to"), hash = details->find("hash");
  const bool whole = up_to != details->end() && up_to->is_number_integer() &&
                     hash != details->end() && hash->is_string();
  if (!whole) return Beginning{};
  return Beginning{up_to->get<std::int64_t>(), hash->get<std::string>()};
}

}  // namespace

Result<std::optional<std::int64_t>> find_broken_audit(Session& session) {
  constexpr int page = 1000;
  const auto from = beginning(session);
  if (!from) return from.error();
  auto [sequence, previous] = *from;
  const auto older =
      session.query("SELECT MIN(sequence) FROM audit_log WHERE sequence <= ?", {sequence});
  if (!older) return older.error();
  if (!older->at(0).is_null(0)) return std::optional(older->at(0).integer(0));
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
