// SPDX-License-Identifier: Apache-2.0
#include "host/cli/role_action.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/cli/fields.hpp"
#include "host/cli/marks.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kFirstPause = std::chrono::milliseconds(100);
constexpr auto kLongestPause = std::chrono::milliseconds(1000);
// A restarting server is waited for: the action is the server's, not ours.
constexpr auto kPatience = std::chrono::seconds(60);

struct ActionCommand {
  std::string verb, node, role;
  std::vector<std::string> nodes;
  bool wait = false, at_once = false;
  int time_limit_seconds = 0;
};

bool has_ended(const Json& action) {
  const std::string state = text_of(action, "state");
  return state == "succeeded" || state == "failed";
}

std::string words_of(const Json& action) {
  std::string words = text_of(action, "action") + " of " + text_of(action, "role_name") + " on " +
                      text_of(action, "node_id") + ": " + text_of(action, "state");
  if (const auto reason = text_of(action, "reason"); !reason.empty()) words += " (" + reason + ")";
  if (const auto message = text_of(action, "message"); !message.empty()) words += ": " + message;
  return printable(words);
}

Result<Json> order(Session& session, const ActionCommand& command, const std::string& node) {
  auto api = session.api();
  if (!api) return api.error();
  return (*api)->post(
      "/api/nodes/" + encoded(node) + "/roles/" + encoded(command.role) + "/" + command.verb,
      Json::object());
}

// The action at its end; unchanged when the time was over first.
Result<Json> follow(Session& session, Json action, std::optional<std::chrono::seconds> limit) {
  auto api = session.api();
  if (!api) return api.error();
  const std::string path = "/api/role-actions/" + encoded(text_of(action, "action_id"));
  const auto began = Clock::now();
  auto answered = began;
  auto pause = kFirstPause;
  while (!has_ended(action)) {
    if (limit && Clock::now() - began > *limit) break;
    session.progress(words_of(action));
    std::this_thread::sleep_for(pause);
    pause = std::min<std::chrono::milliseconds>(pause * 3 / 2, kLongestPause);
    auto now = (*api)->get(path);
    if (now) {
      action = std::move(*now);
      answered = Clock::now();
      continue;
    }
    const bool may_return =
        now.error().kind == ErrorKind::unavailable || now.error().kind == ErrorKind::timeout;
    if (!may_return || Clock::now() - answered > kPatience) {
      session.end_progress();
      return now.error();
    }
  }
  session.end_progress();
  return action;
}

std::optional<std::chrono::seconds> limit_of(const ActionCommand& command) {
  if (command.time_limit_seconds <= 0) return std::nullopt;
  return std::chrono::seconds(command.time_limit_seconds);
}

int exit_code_of_action(const Json& action) {
  if (!has_ended(action)) return kTimedOut;
  return text_of(action, "state") == "succeeded" ? kOk : kFailed;
}

int act_on_node(Session& session, const ActionCommand& command) {
  auto action = order(session, command, command.node);
  if (!action) return session.fail(action.error());
  if (command.wait) action = follow(session, std::move(*action), limit_of(command));
  if (!action) return session.fail(action.error());
  if (session.json()) session.print(*action);
  session.say(words_of(*action));
  if (!command.wait) {
    session.say("it goes on; to see its end: rolesync node " + command.verb +
                " --wait, or GET "
                "/api/role-actions/" +
                text_of(*action, "action_id"));
    return kOk;
  }
  return exit_code_of_action(*action);
}

Result<std::vector<std::string>> nodes_of_role(Session& session, const std::string& role) {
  auto api = session.api();
  if (!api) return api.error();
  auto known = (*api)->get("/api/roles/" + encoded(role));  // an unknown role is said to be one
  if (!known) return known.error();
  auto status = (*api)->get("/api/status");
  if (!status) return status.error();
  std::vector<std::string> nodes;
  for (const Json& cell : array_of(*status, "cells")) {
    if (text_of(cell, "role_name") != role || text_of(cell, "source") == "none") continue;
    nodes.push_back(text_of(cell, "node_id"));
  }
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

// What came out on each node.
class Outcomes {
 public:
  explicit Outcomes(Session& session) : session_(session) {}
  void refused(const std::string& node, const Error& error) {
    ++refused_;
    session_.warn(node + " was left alone: " + error.message);
    list_.push_back({{"node_id", node},
                     {"state", "refused"},
                     {"reason", error.reason},
                     {"message", error.message}});
  }
  // False: nothing more should be begun.
  bool ended(const Json& action) {
    session_.say(words_of(action));
    list_.push_back(action);
    const int code = exit_code_of_action(action);
    if (code == kOk) return ++done_, true;
    worst_ = std::max<int>(worst_, code);
    return false;
  }
  int finish(std::size_t untouched) {
    if (session_.json()) session_.print(list_);
    if (untouched > 0) {
      session_.say(std::to_string(untouched) + " more were not touched after that");
    }
    if (worst_ == kOk && refused_ == 0) return kOk;
    return done_ > 0 ? kPartlyFailed : std::max<int>(worst_, kFailed);
  }

 private:
  Session& session_;
  Json list_ = Json::array();
  int done_ = 0, refused_ = 0, worst_ = kOk;
};

// One node after another; what could not be begun harms nobody, what failed ends it.
int act_one_by_one(Session& session, const ActionCommand& command,
                   const std::vector<std::string>& nodes) {
  Outcomes outcomes(session);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    auto action = order(session, command, nodes[i]);
    if (!action) {
      outcomes.refused(nodes[i], action.error());
      continue;
    }
    action = follow(session, std::move(*action), limit_of(command));
    if (!action) return session.fail(action.error());
    if (!outcomes.ended(*action)) return outcomes.finish(nodes.size() - i - 1);
  }
  return outcomes.finish(0);
}

int act_at_once(Session& session, const ActionCommand& command,
                const std::vector<std::string>& nodes) {
  Outcomes outcomes(session);
  std::vector<Json> begun;
  for (const std::string& node : nodes) {
    auto action = order(session, command, node);
    if (action) {
      begun.push_back(std::move(*action));
    } else {
      outcomes.refused(node, action.error());
    }
  }
  for (Json& each : begun) {
    auto action = follow(session, std::move(each), limit_of(command));
    if (!action) return session.fail(action.error());
    outcomes.ended(*action);
  }
  return outcomes.finish(0);
}

int act_on_role(Session& session, const ActionCommand& command) {
  std::vector<std::string> nodes = command.nodes;
  if (nodes.empty()) {
    auto all = nodes_of_role(session, command.role);
    if (!all) return session.fail(all.error());
    nodes = std::move(*all);
  }
  if (nodes.empty()) {
    return session.fail({ErrorKind::not_found, "role_not_on_node",
                         "no node has the role " + command.role, "assign it to one"});
  }
  return command.at_once ? act_at_once(session, command, nodes)
                         : act_one_by_one(session, command, nodes);
}

constexpr const char* kVerbs[] = {"restart", "start", "stop"};

}  // namespace

void add_node_actions(CLI::App& node, Session& session) {
  for (const char* name : kVerbs) {
    auto command = std::make_shared<ActionCommand>();
    command->verb = name;
    CLI::App* verb =
        node.add_subcommand(name, std::string(name) + " what runs a role there, without a sync");
    verb->add_option("node", command->node)->required();
    verb->add_option("role", command->role)->required();
    verb->add_flag("--wait", command->wait, "until it has ended; exit 1 when it failed");
    verb->add_option("--timeout", command->time_limit_seconds, "seconds to wait, then exit 7")
        ->check(CLI::PositiveNumber);
    verb->callback([&session, command] {
      session.action = [&session, command] { return act_on_node(session, *command); };
    });
  }
}

void add_role_actions(CLI::App& role, Session& session) {
  for (const char* name : kVerbs) {
    auto command = std::make_shared<ActionCommand>();
    command->verb = name;
    CLI::App* verb = role.add_subcommand(
        name, std::string(name) + " it on its nodes, one after another, without a sync");
    verb->add_option("role", command->role)->required();
    verb->add_option("--node", command->nodes, "only there; repeatable");
    verb->add_flag("--at-once", command->at_once, "on all of them at the same time");
    verb->add_option("--timeout", command->time_limit_seconds, "seconds for each node, then exit 7")
        ->check(CLI::PositiveNumber);
    verb->callback([&session, command] {
      session.action = [&session, command] { return act_on_role(session, *command); };
    });
  }
}

}  // namespace rolesync::cli
