// SPDX-License-Identifier: Apache-2.0
// All plugins of this process by (kind, id). A caller never knows whether a plugin runs inside the
// process or in a child of its own. Files dropped into the directories appear and disappear while
// we run: a new generation is built beside the old one and swapped in; calls in flight finish on
// the generation they started with. Any thread.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/host_services.hpp"
#include "host/plugin/policy.hpp"
#include "host/plugin/quarantine.hpp"
#include "host/process/child.hpp"
#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync::plugin {

// What a descriptor says about one thing a plugin provides.
struct Provided {
  std::string kind;  // role, detector, deployer, restart_strategy
  std::string id;
  std::string summary;
  std::string options_schema;  // JSON text
  std::vector<std::string> needs;
  bool parallel = false;                // several instances may run at once; else calls queue
  std::map<std::string, int> timeouts;  // seconds per method, for callers that do not say
};

enum class PluginState { ready, failed, quarantined };
const char* to_word(PluginState state);  // as API and heartbeat spell it

// One file in a plugin directory, usable or not.
struct PluginInfo {
  std::filesystem::path path;
  std::string name;  // the file's stem until the descriptor is known
  std::string version;
  std::string sha256;
  PluginState state = PluginState::failed;
  // Why it is not ready; or, when it is, what else there is to know: replacement_refused (the file
  // there now cannot be used, the content loaded before goes on), superseded, duplicate_id (of some
  // of what it provides).
  std::string reason;  // snake_case code
  std::string detail;  // one sentence
  std::string abi;     // "1.0"; empty until it was loaded once
  bool isolated = false;
  std::vector<Provided> provides;
  std::uint64_t calls = 0, faults = 0;  // of this content since it was loaded
  std::optional<Fault> last_fault;
};

struct CallOptions {
  // Of one call, waiting included. 0: what the descriptor says for this method, else 5 s. An
  // isolated plugin is ended at the limit; an inline one cannot be, so the limit reaches it only
  // through the services it calls (they are refused afterwards) and job.cancelled.
  std::chrono::milliseconds time_limit{0};
  HostServices* services = nullptr;  // none: every service is refused
  const CancelFlag* cancelled = nullptr;
  // Calls in all when the plugin answers `transient`, with pauses, within the time limit. 1 for
  // calls that use something up, and for those that are repeated anyway.
  int attempts = 1;
  // After a cancellation an isolated plugin that looks at job.cancelled has this long to end.
  std::chrono::milliseconds cancel_grace{2'000};
};

struct RegistryOptions {
  // Plugins in packaged directories run inline, in drop-in directories isolated. A directory holds
  // *.so files itself or in subdirectories named by kind (role/, detector/, deployer/,
  // restart_strategy/).
  std::vector<std::filesystem::path> packaged_directories;
  std::vector<std::filesystem::path> drop_in_directories;
  std::filesystem::path private_directory;    // copies named <sha256>.so; created 0700
  std::filesystem::path plugin_host_program;  // rolesync-plugin-host: probe and isolated children
  Policy policy;
  std::chrono::milliseconds child_idle_limit{60'000};  // an isolated child without calls is ended
  std::chrono::milliseconds rescan_interval{30'000};
};

class Registry {
 public:
  explicit Registry(RegistryOptions options);  // loads what is there; a bad file is only reported
  ~Registry();

  // Watches the directories from now on (inotify, and a full look every 30 s).
  void start_watching();
  void rescan();  // now; returns when the new generation is in use

  // Whether `options` (an object of text options) fit what the plugin declares. Errors:
  // not_found/plugin_missing, invalid/invalid_options with a JSON pointer per fault.
  Status check_options(std::string_view kind, std::string_view id, const Json& options) const;

  // The same values with the plugin's defaults for what is missing, all as text.
  Result<Json> complete_options(std::string_view kind, std::string_view id,
                                const Json& options) const;

  // Errors: not_found/plugin_missing; unavailable/plugin_quarantined; a fault of the plugin:
  // timeout/plugin_timeout, failed/plugin_fault, plugin_flood, plugin_memory; or the error the
  // plugin itself reported (kind by its status code; `transient` becomes unavailable).
  Result<Json> call(std::string_view kind, std::string_view id, std::string_view method,
                    const Json& request, const CallOptions& options = {});

  bool has(std::string_view kind, std::string_view id) const;
  std::optional<Provided> find(std::string_view kind, std::string_view id) const;
  std::vector<Provided> provided(std::string_view kind) const;
  std::vector<PluginInfo> plugins() const;
  bool is_isolated(std::string_view kind, std::string_view id) const;
  // sha256 of the file that serves it now; empty: none.
  std::string content_of(std::string_view kind, std::string_view id) const;

  // Gives quarantined contents of that name or sha256 a clean start. Errors:
  // not_found/plugin_missing, conflict/not_quarantined.
  Status unquarantine(std::string_view name_or_sha256);

  // Called after every change of generation, from the thread that made it (the watcher's, or the
  // caller of rescan). The callback may call into the registry, but not replace itself.
  void on_change(std::function<void()> callback);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rolesync::plugin
