// SPDX-License-Identifier: Apache-2.0
// What a node's own config forbids: every refusal names the rule, where it stands, what was asked
// for, and what to change.
#include "host/services/limits.hpp"

#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <functional>

namespace rolesync {
namespace {

constexpr uid_t kNobody = 65534;

std::string name_of(uid_t user) {
  const passwd* entry = ::getpwuid(user);
  return entry ? entry->pw_name : std::to_string(user);
}

// Whose name a command runs under when the files belong to nobody: only root may choose.
uid_t runs_as() {
  return ::geteuid() == 0 ? kNobody : ::geteuid();
}

Limits usual() {
  Limits limits;
  limits.allowed_roots = {"/srv", "/opt/apps"};
  limits.allowed_units = {"autobot-*"};
  limits.commands_allowed = true;
  limits.config_file = "/etc/rolesync/agent.toml";
  int line = 0;
  for (const char* key : {"allowed_roots", "allowed_units", "commands.allowed", "commands.as_root",
                          "commands.users"}) {
    limits.places[key] = limits.config_file + ":" + std::to_string(++line);
  }
  return limits;
}

template <class T>
Error error_of(const Result<T>& result) {
  return result ? Error{} : result.error();
}
Error error_of(const Status& status) {
  return status ? Error{} : status.error();
}

struct Refusal {
  const char* what;
  std::function<Error(Limits)> ask;
  const char* reason;
  std::vector<std::string> said;  // in the message
  const char* hint;
};

std::vector<Refusal> refusals() {
  return {
      {"a target outside of all roots",
       [](Limits l) { return error_of(allowed_root_of(l, "/etc/x")); },
       "path_not_allowed",
       {"/etc/x", "/srv, /opt/apps", "allowed_roots, /etc/rolesync/agent.toml:1"},
       "allowed_roots"},
      {"a name that only begins like a root",
       [](Limits l) { return error_of(allowed_root_of(l, "/srv-other/x")); },
       "path_not_allowed",
       {"/srv-other/x", "agent.toml:1"},
       "allowed_roots"},
      {"no roots at all",
       [](Limits l) {
         l.allowed_roots.clear();
         l.places.erase("allowed_roots");
         return error_of(allowed_root_of(l, "/srv/x"));
       },
       "path_not_allowed",
       {"/srv/x", "nothing", "allowed_roots, which /etc/rolesync/agent.toml does not set"},
       "allowed_roots"},
      {"a unit",
       [](Limits l) { return error_of(check_unit(l, "sshd.service")); },
       "unit_not_allowed",
       {"sshd.service", "autobot-*", "allowed_units, /etc/rolesync/agent.toml:2"},
       "\"sshd\""},
      {"a command, when none may run",
       [](Limits l) {
         l.commands_allowed = false;
         return error_of(command_user(l, kNobody, kNobody));
       },
       "commands_not_allowed",
       {"commands.allowed, /etc/rolesync/agent.toml:3"},
       "allowed = true under [commands]"},
      {"a command as a user who is not named",
       [](Limits l) {
         l.command_users = {"autobot", "1234567"};
         return error_of(command_user(l, kNobody, kNobody));
       },
       "command_user_not_allowed",
       {name_of(runs_as()), "autobot, 1234567", "commands.users, /etc/rolesync/agent.toml:5"},
       "users under [commands]"},
      {"without any config",
       [](Limits) { return error_of(check_unit(Limits{}, "web")); },
       "unit_not_allowed",
       {"allowed_units, which no config sets"},
       "allowed_units"},
  };
}

TEST(Limits, EveryRefusalNamesTheRule) {
  for (const Refusal& each : refusals()) {
    const Error error = each.ask(usual());
    EXPECT_EQ(error.reason, each.reason) << each.what;
    EXPECT_EQ(error.kind, ErrorKind::denied) << each.what;
    for (const std::string& said : each.said) {
      EXPECT_NE(error.message.find(said), std::string::npos)
          << each.what << ": " << error.message << " lacks " << said;
    }
    EXPECT_NE(error.hint.find(each.hint), std::string::npos) << each.what << ": " << error.hint;
  }
}

TEST(Limits, RootRunsCommandsOnlyWhereThatIsSaid) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root could";
  Limits limits = usual();
  const Error error = error_of(command_user(limits, 0, 0));
  EXPECT_EQ(error.reason, "command_as_root");
  EXPECT_NE(error.message.find("commands.as_root, /etc/rolesync/agent.toml:4"), std::string::npos);
  limits.commands_as_root = true;
  EXPECT_TRUE(command_user(limits, 0, 0).ok());
  limits.command_users = {"nobody"};
  EXPECT_EQ(error_of(command_user(limits, 0, 0)).reason, "command_user_not_allowed");
  EXPECT_EQ(command_user(limits, kNobody, kNobody)->uid, kNobody);
}

TEST(Limits, WhatIsAllowed) {
  Limits limits = usual();
  EXPECT_EQ(*allowed_root_of(limits, "/srv/web"), "/srv");
  EXPECT_EQ(*allowed_root_of(limits, "/opt/apps/a/b"), "/opt/apps");
  EXPECT_TRUE(check_unit(limits, "autobot-web").ok());
  EXPECT_TRUE(check_unit(limits, "autobot-web.service").ok());
  EXPECT_TRUE(command_user(limits, kNobody, kNobody).ok());
  limits.command_users = {name_of(runs_as())};
  EXPECT_TRUE(command_user(limits, kNobody, kNobody).ok());
  limits.command_users = {std::to_string(runs_as())};
  EXPECT_TRUE(command_user(limits, kNobody, kNobody).ok()) << "by number too";
}

}  // namespace
}  // namespace rolesync
