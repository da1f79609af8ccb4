// SPDX-License-Identifier: Apache-2.0
// The effective roles as the server last told them, kept on the disk for a start without a server.
// Any thread.
#pragma once
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "host/agent/server_link.hpp"
#include "host/role/role.hpp"

namespace rolesync::agent {

struct Definitions {
  std::string etag;
  std::vector<Role> roles;
  std::set<std::string> assigned;  // this node's effective roles
};

class DefinitionStore {
 public:
  explicit DefinitionStore(const AgentConfig& config);
  std::shared_ptr<const Definitions> current() const;
  // Asks the server; not modified is fine. A role that is not understood is left out and logged.
  Status refresh(LinkClient& client);

 private:
  Status take(const std::string& text);
  const AgentConfig& config_;
  const std::string file_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Definitions> current_;
};

}  // namespace rolesync::agent
