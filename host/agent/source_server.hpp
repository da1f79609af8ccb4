// SPDX-License-Identifier: Apache-2.0
// Lets the server fetch from a git repository of this node: git upload-pack on a stream that we
// open. Only repositories named in this node's own config are served. Any thread.
#pragma once
#include <string>

#include "host/agent/config.hpp"
#include "host/agent/server_link.hpp"
#include "host/process/child.hpp"

namespace rolesync::agent {

// The real path of an allowed repository. Error: denied/repository_not_allowed.
Result<std::string> allowed_repository(const AgentConfig& config, const std::string& repository);

// Returns when the transfer is over.
Status serve_source(const AgentConfig& config, ServerLink& link, const std::string& stream_id,
                    const std::string& repository, const CancelFlag& cancelled);

}  // namespace rolesync::agent
