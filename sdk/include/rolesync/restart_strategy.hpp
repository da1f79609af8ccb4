// SPDX-License-Identifier: Apache-2.0
// A restart strategy stops, starts, restarts and queries whatever runs a role on this node. Each
// action returns the state after it; an action that did not reach its state throws Error.
#pragma once
#include <rolesync/plugin.hpp>

namespace rolesync {
inline namespace sdk1 {

class RestartStrategy : public Instance {
 public:
  // `options` are the role's restart_options.
  virtual ServiceStatus status(const RoleData& role, const Options& options) = 0;
  virtual ServiceStatus start(const RoleData& role, const Options& options) = 0;
  virtual ServiceStatus stop(const RoleData& role, const Options& options) = 0;
  // stop, then start, unless there is something better.
  virtual ServiceStatus restart(const RoleData& role, const Options& options);
  // The units of a service manager that the actions would act on, so that the host can compare them
  // with what the node allows before it begins. Unless there is something better: the role's
  // service, when it names one.
  virtual std::vector<std::string> units(const RoleData& role, const Options& options);
  Json call(std::string_view method, const Json& request) final;
};

template <class T>
Export restart_strategy(const char* id) {
  return Export("restart_strategy", id,
                []() -> std::unique_ptr<Instance> { return std::make_unique<T>(); });
}

// "npm run start" or ["npm", "run", "start"] as a program and its arguments: words are separated by
// blanks, '...' and "..." keep blanks, nothing is expanded. Throws Error{invalid}.
std::vector<std::string> split_command(const std::string& text);

}  // namespace sdk1
}  // namespace rolesync
