// SPDX-License-Identifier: Apache-2.0
// A repeated request has one effect: the answer kept under (principal, Idempotency-Key).
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "server/http/router.hpp"
#include "server/store/idempotency.hpp"

namespace rolesync::api {

class IdempotencyKey {
 public:
  explicit IdempotencyKey(const http::Request& request);

  bool given() const { return !key_.empty(); }
  // invalid/invalid_idempotency_key when it is too long.
  Status check() const;
  // Inside the change's transaction. Without a key there is never an answer, and nothing is kept.
  Result<std::optional<store::KeptAnswer>> find(store::Session& session) const;
  Status keep(store::Session& session, int status, const std::string& body) const;
  // For an order that is written later: the id of what an earlier request has made, whose answer
  // is then in `answer`. Both must outlive the order.
  std::function<Result<std::optional<std::string>>(store::Session&)> earlier(
      std::string& answer, const char* id_field) const;

 private:
  std::string principal_, key_, request_hash_;
};

}  // namespace rolesync::api
