// SPDX-License-Identifier: Apache-2.0
// Restart strategy: roles that are services of runit, asked and told with `sv`.
#include <rolesync/restart_strategy.hpp>

namespace {

using rolesync::Code;
using rolesync::Error;
using rolesync::Options;
using rolesync::Program;
using rolesync::ProgramResult;
using rolesync::RoleData;
using rolesync::Running;
using rolesync::ServiceStatus;

class Runit : public rolesync::RestartStrategy {
 public:
  // One line: "run: /etc/service/shop: (pid 123) 4567s" or "down: ...", "fail: ...".
  ServiceStatus status(const RoleData& role, const Options& options) override {
    const ProgramResult result = sv("status", role, options);
    ServiceStatus status;
    status.detail = result.output.substr(0, result.output.find('\n'));
    status.state = status.detail.rfind("run:", 0) == 0    ? Running::running
                   : status.detail.rfind("down:", 0) == 0 ? Running::stopped
                                                          : Running::unknown;
    if (status.detail.empty()) status.detail = result.explain();
    return status;
  }

  ServiceStatus start(const RoleData& role, const Options& options) override {
    return act("start", role, options);
  }
  ServiceStatus stop(const RoleData& role, const Options& options) override {
    return act("stop", role, options);
  }
  ServiceStatus restart(const RoleData& role, const Options& options) override {
    return act("restart", role, options);
  }

 private:
  // `sv` waits until the service is in that state, or ends with a failure after -w seconds.
  ServiceStatus act(const char* action, const RoleData& role, const Options& options) const {
    const ProgramResult result = sv(action, role, options);
    if (!result.succeeded()) {
      throw Error(Code::failed, "service_failed",
                  std::string("sv ") + action + " " + role.service + ": " + result.explain(),
                  "look at the service's log on the node");
    }
    ServiceStatus after;
    after.state = std::string(action) == "stop" ? Running::stopped : Running::running;
    after.detail = result.output.substr(0, result.output.find('\n'));
    return after;
  }

  ProgramResult sv(const char* action, const RoleData& role, const Options& options) const {
    if (role.service.empty()) {
      throw Error(Code::invalid, "service_missing", "role " + role.name + " has no service",
                  "give the role the name of its runit service");
    }
    const auto directory = options.find("directory");
    const auto wait = options.find("wait_seconds");
    Program program{
        {"sv", "-w", wait == options.end() ? "30" : wait->second, action,
         (directory == options.end() ? "/etc/service" : directory->second) + "/" + role.service}};
    program.timeout_seconds = 120;
    return host().run(program);
  }
};

// The host checks a role's options against this before it calls.
constexpr const char* option_schema = R"({
  "directory": {"type": "string", "default": "/etc/service",
                "help": "where the service directories are"},
  "wait_seconds": {"type": "integer", "minimum": 1, "maximum": 100, "default": 30,
                   "help": "how long a service may take to start or stop"}
})";

}  // namespace

ROLESYNC_PLUGIN("runit", "1.0.0",
                rolesync::restart_strategy<Runit>("runit")
                    .summary("services of runit")
                    .needs({"process.run"})
                    .options(option_schema)
                    .parallel()
                    .timeout("start", 130)
                    .timeout("stop", 130)
                    .timeout("restart", 130));
