// SPDX-License-Identifier: Apache-2.0
#include "host/agent/role_commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "host/agent/role_plugins.hpp"
#include "host/process/enclosure.hpp"
#include "host/services/limits.hpp"
#include "host/services/node_services.hpp"
#include "host/values/hash.hpp"

namespace rolesync::agent {
namespace {

Result<RunAs> user_for(const AgentConfig& config, const Role& role) {
  Result<FileOwner> owner = owner_of_files(role);
  if (!owner) return owner.error();
  return command_user(config.limits, owner->uid, owner->gid);
}

// Before a first install there is no target yet.
std::string nearest_directory(const std::string& target) {
  std::filesystem::path path(target);
  std::error_code failure;
  while (!std::filesystem::is_directory(path, failure) && path.has_relative_path()) {
    path = path.parent_path();
  }
  return path;
}

using std::chrono::milliseconds;
using Now = std::chrono::steady_clock;

constexpr std::size_t kOutputCap = 8 << 10;  // of each stream
constexpr std::size_t kTailSize = 2 << 10;
constexpr milliseconds kFirstPause{1'000}, kLongestPause{10'000};

// Of this agent alone: others may run on this machine, with tasks of the same name.
std::string enclosure_name(const AgentConfig& config, const std::string& task_id) {
  return task_id + "-" + sha256_hex(config.state_dir).substr(0, 8);
}

// Shows a command's output while it runs, at a rate that many nodes and long commands can bear.
class LiveTail {
 public:
  explicit LiveTail(const RoleCommand& order) : order_(order) {}

  void add(std::string_view bytes) {
    tail_.append(bytes);
    if (tail_.size() > 2 * kTailSize) tail_.erase(0, tail_.size() - kTailSize);
    news_ = news_ || !bytes.empty();
    const auto now = Now::now();
    if (!news_ || !order_.progress || now < next_) return;
    news_ = false;
    pause_ = std::min(pause_ * 5 / 4, kLongestPause);
    next_ = now + pause_;
    const std::size_t begin = tail_.size() > kTailSize ? tail_.size() - kTailSize : 0;
    order_.progress(std::chrono::duration_cast<std::chrono::seconds>(now - began_),
                    std::string_view(tail_).substr(begin));
  }

 private:
  const RoleCommand& order_;
  std::string tail_;
  bool news_ = false;
  milliseconds pause_ = kFirstPause;
  const Now::time_point began_ = Now::now();
  Now::time_point next_ = began_ + kFirstPause;  // a quick command is told about when it has ended
};

}  // namespace

std::size_t end_left_commands(const AgentConfig& config, const std::string& task_id) {
  return Enclosure(enclosure_name(config, task_id)).end();
}

Status check_commands(const AgentConfig& config, const Role& role) {
  if (commands_of(role).empty()) return {};
  Result<RunAs> user = user_for(config, role);
  return user.ok() ? Status{} : Status{user.error()};
}

CommandOutcome run_role_command(const AgentConfig& config, const RoleCommand& order,
                                const CancelFlag* cancelled) {
  Result<RunAs> user = user_for(config, order.role);
  if (!user) return {user.error(), ""};
  ChildSpec spec;
  spec.argv = order.command;
  spec.directory = nearest_directory(order.role.target_path);
  spec.uid = user->uid;
  spec.gid = user->gid;
  spec.environment = minimal_environment(user->uid.value_or(::geteuid()));
  spec.environment["ROLESYNC_ROLE"] = order.role.name;
  spec.environment["ROLESYNC_TASK"] = order.task_id;
  spec.environment["ROLESYNC_COMMIT"] = order.commit;
  spec.environment["ROLESYNC_ACTION"] = order.action;
  spec.environment["ROLESYNC_TARGET"] = order.role.target_path;
  if (!config.health_address.empty()) {
    spec.environment["ROLESYNC_ADDRESS"] = config.health_address;
  }
  spec.time_limit = config.command_limit;
  if (order.role.command_timeout_seconds) {
    spec.time_limit = std::min<std::chrono::milliseconds>(
        spec.time_limit, std::chrono::seconds(*order.role.command_timeout_seconds));
  }
  spec.cancelled = cancelled;
  spec.term_grace = std::chrono::milliseconds(500);  // the agent itself ends within a second
  spec.output_cap = kOutputCap;
  LiveTail live(order);
  spec.on_output = [&live](std::string_view bytes) { live.add(bytes); };
  Enclosure enclosure(enclosure_name(config, order.task_id));
  enclosure.put_in(spec);
  Result<ChildResult> result = run_child(spec);
  // The agent itself ends within a second.
  const bool hurry = cancelled && cancelled->load();
  const std::size_t left = enclosure.end(hurry ? milliseconds(200) : milliseconds(5'000));
  if (!result) return {result.error(), ""};
  CommandOutcome outcome{{}, result->output + result->errors};
  if (left > 0) {
    outcome.output +=
        "\n[" + std::to_string(left) + " processes that it left running were ended]\n";
  }
  if (!result->succeeded()) {
    outcome.status =
        Error{result->timed_out ? ErrorKind::timeout : ErrorKind::failed,
              result->timed_out ? "command_timeout" : "command_failed",
              std::string(order.what) + " of role " + order.role.name + ": " + result->explain(),
              "look at its output, and try it by hand in " + spec.directory};
  }
  return outcome;
}

}  // namespace rolesync::agent
