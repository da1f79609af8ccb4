// SPDX-License-Identifier: Apache-2.0
// The commands nodes have not acknowledged yet: written in the caller's transaction, announced here
// after its commit, offered with every heartbeat until acknowledged. Any thread.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "server/store/commands.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

class Commands {
 public:
  explicit Commands(store::Store& store) : store_(store) {}

  Status load();
  // Called with the node's id when there is something new for it.
  void on_new(std::function<void(const std::string& node)> wake) { wake_ = std::move(wake); }

  // Another server has changed what is open for a node, or may have for any.
  Status read_again(const std::string& node);
  Status read_again();

  // After the transaction that called store::add_command has been committed.
  void announce(const std::vector<store::CommandRecord>& commands);
  // Writes and announces one that belongs to no other change.
  Status give(store::CommandRecord command);
  // After store::withdraw_commands_of_task has been committed.
  void forget_task(const std::string& task_id);
  void forget_node(const std::string& node);

  struct Offered {
    std::vector<store::CommandRecord> commands;
    bool insisting = false;  // all of them were offered several times already
  };
  Offered offer(const std::string& node);
  // Whether what would change something on the node (stage, activate, control) waits.
  void hold(const std::string& node, bool held);
  // Nothing is open that was not offered yet.
  bool idle(const std::string& node);
  // Neither acknowledged nor withdrawn.
  bool is_open(const std::string& node, const std::string& id);
  // Nothing is written when none of the ids is open.
  Status acknowledge(const std::string& node, const std::vector<std::string>& ids);
  // The node has booted: what was meant for another boot is withdrawn.
  Status keep_boot(const std::string& node, const std::string& boot_id);

 private:
  struct Open {
    store::CommandRecord record;
    int offers = 0;
  };
  void replace(const std::string& node, std::vector<store::CommandRecord> records);

  store::Store& store_;
  std::function<void(const std::string&)> wake_;
  bool waits(const std::string& node, const Open& entry) const;
  std::mutex mutex_;
  std::map<std::string, std::vector<Open>> open_;  // by node, oldest first
  std::set<std::string> held_;
};

}  // namespace rolesync::rollout
