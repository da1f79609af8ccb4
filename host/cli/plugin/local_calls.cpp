// SPDX-License-Identifier: Apache-2.0
#include "host/cli/plugin/local_calls.hpp"

#include <stdlib.h>

#include <nlohmann/json.hpp>

#include "host/plugin/instance.hpp"
#include "host/plugin/library.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds usual_time_limit{5};

std::chrono::milliseconds limit_of(const plugin::Provided& provided, const std::string& method,
                                   std::chrono::milliseconds wanted) {
  if (wanted.count() > 0) return wanted;
  const auto said = provided.timeouts.find(method);
  return said == provided.timeouts.end() ? usual_time_limit : std::chrono::seconds(said->second);
}

// An agent with these limits would allow everything; the kernel still does not.
Limits no_limits() {
  Limits limits;
  limits.allowed_roots = {"/"};
  limits.allowed_units = {"*"};
  limits.commands_allowed = limits.commands_as_root = true;
  return limits;
}

}  // namespace

LocalCalls::LocalCalls(PluginFileOnDisk file, plugin::Provided provided, LocalCallOptions options)
    : file_(std::move(file)),
      provided_(std::move(provided)),
      options_(std::move(options)),
      units_(systemd_units()),
      ports_(kernel_ports()) {
  std::string name = fs::temp_directory_path() / "rolesync-run-XXXXXX";
  scratch_ = ::mkdtemp(name.data());
  state_ = std::make_unique<PluginState>(
      options_.state_directory.empty() ? scratch_ / "state" : fs::path(options_.state_directory));
}

LocalCalls::~LocalCalls() {
  std::error_code error;
  fs::remove_all(scratch_, error);
}

Status LocalCalls::prepare() {
  if (!options_.in_process) return {};
  auto library = plugin::load_library(file_.path);
  if (!library) return library.error();
  library_ = *library;
  return {};
}

Result<Json> LocalCalls::call(const std::string& method, const Json& request,
                              const std::string& directory, LocalStreams streams) {
  NodeServicesOptions with;
  with.plugin = provided_.kind + "." + provided_.id;
  with.limits = no_limits();
  with.units = units_.get();
  with.ports = ports_.get();
  with.state = state_.get();
  with.streams = streams.table;
  with.open_stream = std::move(streams.open);
  with.programs = RunAs{};
  with.directory = directory;
  with.plugin_host_program = file_.host_program;
  with.private_root = scratch_ / "private";
  with.log_root = scratch_ / "logs";
  NodeServices services(std::move(with));
  plugin::CallContext context{
      provided_,
      plugin::CallContext::Clock::now() + limit_of(provided_, method, options_.time_limit),
      &services};
  if (!library_) {
    return plugin::make_child_instance({file_.host_program, {}}, file_.path, provided_)
        ->call(method, request, context);
  }
  auto instance = plugin::make_inline_instance(library_, provided_);
  if (!instance) return instance.error();
  return (*instance)->call(method, request, context);
}

}  // namespace rolesync::cli
