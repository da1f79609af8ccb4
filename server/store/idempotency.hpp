// SPDX-License-Identifier: Apache-2.0
// Answers kept by Idempotency-Key, so that a repeated request has one effect. In one write():
// find_answer; when there is none, do the work and keep_answer. Called inside Store::write or read.
#pragma once
#include <string>

#include "host/values/timestamp.hpp"
#include "server/store/session.hpp"

namespace rolesync::store {

struct KeptAnswer {
  int status = 0;
  std::string body;
};

// `request_hash`: sha256 of method, path and body. The key with another request is
// conflict/idempotency_key_reused.
Result<std::optional<KeptAnswer>> find_answer(Session& session, const std::string& principal,
                                              const std::string& key,
                                              const std::string& request_hash);
Status keep_answer(Session& session, const std::string& principal, const std::string& key,
                   const std::string& request_hash, const KeptAnswer& answer, Millis at);
Status forget_answers(Session& session, Millis before);

}  // namespace rolesync::store
