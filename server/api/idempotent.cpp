// SPDX-License-Identifier: Apache-2.0
#include "server/api/idempotent.hpp"

#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/json.hpp"
#include "server/rollout/wall_clock.hpp"

namespace rolesync::api {

IdempotencyKey::IdempotencyKey(const http::Request& request)
    : principal_(request.principal.id),
      request_hash_(sha256_hex(request.method + " " + request.path + "\n" + request.body)) {
  const auto header = request.headers.find("idempotency-key");
  if (header != request.headers.end()) key_ = header->second;
}

Status IdempotencyKey::check() const {
  if (key_.size() <= 200) return {};
  return Error{ErrorKind::invalid, "invalid_idempotency_key",
               "an Idempotency-Key has at most 200 characters", "send a random id"};
}

Result<std::optional<store::KeptAnswer>> IdempotencyKey::find(store::Session& session) const {
  if (key_.empty()) return std::optional<store::KeptAnswer>();
  return store::find_answer(session, principal_, key_, request_hash_);
}

Status IdempotencyKey::keep(store::Session& session, int status, const std::string& body) const {
  if (key_.empty()) return {};
  return store::keep_answer(session, principal_, key_, request_hash_, {status, body},
                            rollout::now_millis());
}

std::function<Result<std::optional<std::string>>(store::Session&)> IdempotencyKey::earlier(
    std::string& answer, const char* id_field) const {
  return [this, &answer, id_field](store::Session& session) -> Result<std::optional<std::string>> {
    const auto kept = find(session);
    if (!kept) return kept.error();
    if (!*kept) return std::optional<std::string>();
    answer = (*kept)->body;
    const auto json = parse_json(answer);
    return std::optional<std::string>(json ? json->value(id_field, "") : "");
  };
}

}  // namespace rolesync::api
