// SPDX-License-Identifier: Apache-2.0
// The secret by which this node is known: the file of the one in use, and beside it
// (<file>.next) its successor, from the moment that one is made until the server knows it and it is
// in use. Both files have mode 0600. Any thread.
#pragma once
#include <mutex>
#include <string>

#include "host/agent/config.hpp"
#include "host/values/result.hpp"

namespace rolesync::agent {

class Credential {
 public:
  // Error: denied/not_joined.
  static Result<std::string> read(const AgentConfig& config);
  // What join() got; a successor of the one before goes.
  static Status replace(const AgentConfig& config, const std::string& secret);

  Credential(const AgentConfig& config, std::string secret);

  std::string current() const;
  // Takes what another process (`rolesync-agent join`) has written; true when it differs from
  // what we used until now.
  bool take_from_disk();

  // The successor on the disk; empty: none.
  std::string successor() const;
  // Makes one, unless there is one. On return it is safe on the disk.
  Result<std::string> make_successor();
  // The server has accepted the successor, so it is the one from now on.
  Status promote();

 private:
  const AgentConfig& config_;
  mutable std::mutex mutex_;
  std::string current_;
};

}  // namespace rolesync::agent
