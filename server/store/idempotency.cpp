// SPDX-License-Identifier: Apache-2.0
#include "server/store/idempotency.hpp"

namespace rolesync::store {

Result<std::optional<KeptAnswer>> find_answer(Session& session, const std::string& principal,
                                              const std::string& key,
                                              const std::string& request_hash) {
  const auto rows = session.query(
      "SELECT request_hash, status, body FROM idempotency_keys "
      "WHERE principal = ? AND idempotency_key = ?",
      {principal, key});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<KeptAnswer>{};
  const Row& row = rows->front();
  if (row.text(0) != request_hash) {
    return Error{ErrorKind::conflict, "idempotency_key_reused",
                 "this Idempotency-Key was used for another request",
                 "use a new key for every new request"};
  }
  return std::optional(KeptAnswer{static_cast<int>(row.integer(1)), row.text(2)});
}

Status keep_answer(Session& session, const std::string& principal, const std::string& key,
                   const std::string& request_hash, const KeptAnswer& answer, Millis at) {
  return status_of(session.execute(
      "INSERT INTO idempotency_keys (principal, idempotency_key, request_hash, status, body, "
      "created_at) VALUES (?, ?, ?, ?, ?, ?)",
      {principal, key, request_hash, answer.status, answer.body, at}));
}

Status forget_answers(Session& session, Millis before) {
  return status_of(session.execute("DELETE FROM idempotency_keys WHERE created_at < ?", {before}));
}

}  // namespace rolesync::store
