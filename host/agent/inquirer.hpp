// SPDX-License-Identifier: Apache-2.0
// Answers the server's questions about this node's trees: what lies there (identify), take this
// for its release (adopt), is it still as it was deployed, every byte of it (verify). A command
// names the question; question and answer travel on requests of their own, because both may be
// long. Nothing of it survives our death: who asked asks again. Any thread.
#pragma once
#include <atomic>
#include <functional>
#include <string>

#include "host/agent/installations.hpp"
#include "host/agent/keyed_workers.hpp"
#include "host/agent/prover.hpp"
#include "host/agent/server_link.hpp"
#include "host/values/framed_text.hpp"

namespace rolesync::agent {

class Inquirer {
 public:
  struct Parts {
    FileSystem& fs;
    const AgentConfig& config;
    ServerLink& link;
    Installations& installations;
    Prover& prover;
  };
  // `looked`: what is known of the role's tree has changed, or may have.
  Inquirer(Parts parts, std::function<void(const std::string& role)> looked);
  ~Inquirer() { stop(); }

  void take(const std::string& inquiry_id);
  void stop();

 private:
  void work(const std::string& inquiry_id);
  Result<std::string> ask(const std::string& path);
  Status send(const std::string& path, const std::string& text);
  Result<std::string> answer(const FramedText& question);
  Result<std::string> identify(const Role& role, std::string_view paths);
  Result<std::string> adopt(const Role& role, const FramedText& question);
  Result<std::string> verify(const Role& role);
  Result<Json> proven(const Role& role, Installation& installation);

  Parts parts_;
  const std::function<void(const std::string&)> looked_;
  std::atomic<bool> stopping_{false};
  KeyedWorkers workers_{"inquiries", 2};
};

}  // namespace rolesync::agent
