// SPDX-License-Identifier: Apache-2.0
// A role is data: say what differs from the defaults. Everything can be overridden on the server.
//
//   ROLESYNC_ROLE("frontend", "1.0.0") {
//     role.source("autobot-vue/").target("/home/autobot/autobot-vue").service("autobot-frontend");
//   }
#pragma once
#include <rolesync/plugin.hpp>

#include <memory>
#include <string>
#include <vector>

namespace rolesync {
inline namespace sdk1 {

enum class Restart { automatic, manual };

class Role {
 public:
  explicit Role(std::string name);
  ~Role();
  Role(const Role&) = delete;
  Role& operator=(const Role&) = delete;

  Role& display_name(std::string text);
  Role& summary(std::string text);  // one line for lists of plugins; not part of the role itself

  Role& source(std::string path);  // repository path, or "from:to"; may be given several times
  Role& target(std::string path);  // absolute directory on the node
  Role& exclude(std::string path);
  Role& package();  // sync_type package; component is the default
  Role& code_source(std::string name);

  Role& service(std::string unit);  // without ".service"
  Role& restart(Restart when);      // manual is the default
  Role& port(int number);           // must listen when the role is healthy
  Role& health(std::string http_path);

  // A program and its arguments, run in the target directory.
  Role& before_sync(const std::vector<std::string>& argv);
  Role& after_sync(const std::vector<std::string>& argv);
  // One shell line; using it needs the scope role:command and the node's consent.
  Role& before_sync_shell(std::string line);
  Role& after_sync_shell(std::string line);
  // The same around a restart: take the node out of use before, put it back once it is well.
  Role& drain(const std::vector<std::string>& argv);
  Role& undrain(const std::vector<std::string>& argv);
  Role& drain_shell(std::string line);
  Role& undrain_shell(std::string line);
  Role& command_timeout(int seconds);  // of each command; a node may allow less

  Role& deployer(std::string id);
  Role& detector(std::string id);
  Role& strategy(std::string id, const Options& options = {});

  Role& swap();                         // activation by exchanging the whole tree
  Role& carry(std::string directory);   // unmanaged directory that `swap` takes along
  Role& stop_for_switch();              // the service must not see its files change
  Role& refuse_drift();                 // drift blocks a sync
  Role& owner(std::string user_group);  // "user" or "user:group"
  Role& order(int position);            // lower first; 100 is the default
  Role& updates_agent();                // this role is the agent itself
  Role& updates_server();               // this role is the server itself
  Role& required();

  const Json& fields() const;
  const std::string& summary() const;

 private:
  Role& set(const char* field, std::string value);
  Role& append(const char* field, std::string value);
  struct Data;
  std::unique_ptr<Data> data_;
};

using BuildRole = void (*)(Role&);

// A role plugin: method `spec` answers the fields that `build` sets.
Export declared_role(const char* id, BuildRole build);

}  // namespace sdk1
}  // namespace rolesync

// A library with one role. The body that follows fills `role`.
#define ROLESYNC_ROLE(ID, VERSION)                                                    \
  static void rolesync_build_role_(::rolesync::Role& role);                           \
  ROLESYNC_PLUGIN(ID, VERSION, ::rolesync::declared_role(ID, &rolesync_build_role_)); \
  static void rolesync_build_role_(::rolesync::Role& role)
