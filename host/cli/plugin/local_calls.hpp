// SPDX-License-Identifier: Apache-2.0
// Calls of a plugin on this machine: no server, no agent, no fleet. Its host services are the real
// ones of an agent that allows everything the caller's user may do. Any thread; each call has an
// instance of its own.
#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "host/cli/plugin/plugin_file.hpp"
#include "host/services/node_services.hpp"
#include "host/services/ports.hpp"
#include "host/services/units.hpp"
#include "host/values/json.hpp"

struct rs_plugin;

namespace rolesync::cli {

struct LocalCallOptions {
  bool in_process = false;                  // else in a child, as a dropped-in plugin runs
  std::chrono::milliseconds time_limit{0};  // 0: what the descriptor says, else 5 s
  std::string state_directory;              // what it remembers; empty: forgotten afterwards
};

// What `stream.open` and `attach` find during a call of a deployer.
struct LocalStreams {
  StreamTable* table = nullptr;
  std::function<Result<std::unique_ptr<Stream>>(const std::string& offer_id)> open;
};

class LocalCalls {
 public:
  LocalCalls(PluginFileOnDisk file, plugin::Provided provided, LocalCallOptions options);
  ~LocalCalls();

  // In process only: the library has to be loaded first.
  Status prepare();

  // `directory`: of programs that name none.
  Result<Json> call(const std::string& method, const Json& request,
                    const std::string& directory = ".", LocalStreams streams = {});

  const plugin::Provided& provided() const { return provided_; }
  Ports& ports() { return *ports_; }
  // Empties with this object.
  const std::filesystem::path& scratch() const { return scratch_; }

 private:
  const PluginFileOnDisk file_;
  const plugin::Provided provided_;
  const LocalCallOptions options_;
  std::filesystem::path scratch_;
  std::unique_ptr<Units> units_;
  std::unique_ptr<Ports> ports_;
  std::unique_ptr<PluginState> state_;
  std::shared_ptr<const rs_plugin> library_;
};

}  // namespace rolesync::cli
