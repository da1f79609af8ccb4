// SPDX-License-Identifier: Apache-2.0
// The host's side of the services in docs/plugin-services.md. One object serves one call of one
// plugin; what it may do is in its options, so agent and server use the same class with limits of
// their own. What is not given (units, ports, state, streams) is refused as unsupported. Any thread
// of the call; everything pointed to must outlive it.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "host/plugin/host_services.hpp"
#include "host/process/child.hpp"
#include "host/services/limits.hpp"
#include "host/services/plugin_state.hpp"
#include "host/services/ports.hpp"
#include "host/services/stream_table.hpp"
#include "host/services/units.hpp"

namespace rolesync {

struct NodeServicesOptions {
  std::string plugin;  // "kind.id", whose state it is
  Limits limits;
  Units* units = nullptr;
  Ports* ports = nullptr;
  PluginState* state = nullptr;
  StreamTable* streams = nullptr;
  // stream.open {offer_id}
  std::function<Result<std::unique_ptr<Stream>>(const std::string& offer_id)> open_stream;
  std::function<void(std::uint64_t done, std::uint64_t total, const std::string& unit)> progress;
  const CancelFlag* cancelled = nullptr;

  // As whom process.run and process.start run programs, or why they may not.
  Result<RunAs> programs =
      Error{ErrorKind::denied, "commands_not_allowed", "programs may not be run in this call"};
  std::string directory;                           // of a program that names none
  std::map<std::string, std::string> environment;  // added to PATH, HOME and LANG
  std::chrono::milliseconds time_limit{600'000};   // of a program that names none
  std::string plugin_host_program;                 // for "@connect"
  std::string private_root;                        // fs.write_private makes its directory here
  std::string programs_root;  // running programs are on record here; see running_programs.hpp
  std::string log_root;       // logs of process.start that have a name and no path
};

class NodeServices : public plugin::HostServices {
 public:
  explicit NodeServices(NodeServicesOptions options);
  ~NodeServices() override;  // removes the call's private files
  Result<Json> call(std::string_view service, const Json& request) override;
  // On Clock::monotonic(), what this call was told to have been started at that time. Nothing: it
  // was told no such time.
  std::optional<Millis> since_boot(Millis started_at);

 private:
  Result<Json> exists(const Json& request);
  Result<Json> write_private(const Json& request);
  Result<Json> unit_status(const Json& request);
  Result<Json> unit_action(UnitAction action, const Json& request);
  Result<Json> port_listening(const Json& request);
  Result<Json> run_program(const Json& request);
  Result<Json> start_program(const Json& request);
  Result<Json> program_status(const Json& request);
  Result<Json> signal_program(const Json& request);
  Result<Json> get_state(const Json& request);
  Result<Json> put_state(const Json& request);
  Result<Json> open_stream(const Json& request);
  Result<Json> stream_to_file(const Json& request);
  Result<Json> report_progress(const Json& request);
  Result<Json> is_cancelled(const Json& request);

  Result<ChildSpec> program_spec(const Json& request) const;
  Result<std::string> log_path(const std::string& named) const;
  bool cancelled() const { return options_.cancelled && options_.cancelled->load(); }

  Json told(const UnitStatus& status);
  void note_start(std::optional<Millis> at, std::optional<Millis> since_boot);

  NodeServicesOptions options_;
  std::mutex starts_mutex_;
  std::map<Millis, Millis> starts_;  // that the plugin was told: by wall clock, since boot
  std::mutex private_mutex_;
  std::string private_directory_;
};

// PATH, HOME and LANG: what every program of ours gets at least.
std::map<std::string, std::string> minimal_environment(uid_t user);

// UnitStatus in the shape of service.status.
Json to_json(const UnitStatus& status);

}  // namespace rolesync
