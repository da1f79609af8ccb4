// SPDX-License-Identifier: Apache-2.0
// A restart strategy for the drop-in story: runs nothing, and remembers when it was last told to.
#include <ctime>
#include <rolesync/restart_strategy.hpp>

namespace {

using rolesync::Options;
using rolesync::RoleData;
using rolesync::Running;
using rolesync::ServiceStatus;

std::string now() {
  const std::time_t seconds = std::time(nullptr) + 1;  // whole seconds: never before the switch
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

class Counting : public rolesync::RestartStrategy {
  ServiceStatus status(const RoleData& role, const Options&) override {
    const auto known = host().recall(role.name);
    if (!known) return {Running::stopped, std::nullopt, "never started"};
    return {Running::running, std::get<std::string>(known->at("at")),
            "by version " + std::to_string(std::get<std::int64_t>(known->at("version")))};
  }
  ServiceStatus start(const RoleData& role, const Options& options) override {
    host().remember(role.name, {{"at", now()}, {"version", std::int64_t{STORY_NUMBER}}});
    host().info("started " + role.name);
    return status(role, options);
  }
  ServiceStatus stop(const RoleData& role, const Options& options) override {
    host().forget(role.name);
    return status(role, options);
  }
};

}  // namespace

ROLESYNC_PLUGIN("counting", STORY_VERSION,
                rolesync::restart_strategy<Counting>("counting")
                    .summary("counts its starts, for the drop-in story")
                    .needs({"state.get", "state.put"}));
