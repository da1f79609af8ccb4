// SPDX-License-Identifier: Apache-2.0
// Gives this node a new credential without anybody touching it: make it here, tell the server its
// hash, use it, keep it. Each step may be the last before a death of either side, and is found
// again at the next start; until the new one has been used both are valid. Owns no thread.
#pragma once
#include "host/agent/contact.hpp"
#include "host/agent/server_link.hpp"

namespace rolesync::agent {

class Rotation {
 public:
  Rotation(ServerLink& link, Contact& contact) : link_(link), contact_(contact) {}

  // A rotation that an earlier process began and did not end.
  bool is_pending() const;
  // Makes the new credential; the order is safe then.
  Status begin();
  // Goes on until the new credential is in use, the server refuses both, or the agent stops.
  void finish();

 private:
  enum class Step { done, again, refused };
  Step step();
  Result<HttpAnswer> tell(const std::string& as, const std::string& successor);

  ServerLink& link_;
  Contact& contact_;
};

}  // namespace rolesync::agent
