// SPDX-License-Identifier: Apache-2.0
// What a plugin may ask of its host: facts about this node and actions on it. Every service used
// must stand in the `needs` of the descriptor. Shapes: docs/plugin-services.md. A Host is a cheap
// handle; use it only inside a call, on any thread. Every function throws rolesync::Error.
#pragma once
#include <rolesync/abi.h>
#include <rolesync/types.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rolesync {
inline namespace sdk1 {

struct UnitStatus {
  std::string load_state, active_state, sub_state, result;
  std::optional<std::string> started_at;
  int restarts = 0;          // after crashes, since it was last started on request
  std::string triggered_by;  // an active unit that starts this one when needed: a socket, a timer
  std::string reason;        // why nothing is known: no_systemd, systemd_silent
  std::string type;          // of an idle service: simple, oneshot, ...
  std::string ended;         // how its main process ended last, in words; empty: it has not
  std::string condition;     // of an idle unit: what kept it from its last start
};

struct Program {
  std::vector<std::string> argv;  // never a shell line; "@connect": see docs/plugin-services.md
  std::string directory = {};
  std::map<std::string, std::string> environment = {};
  std::string input = {};
  int timeout_seconds = 60;
  std::string attach = {};   // stream id that becomes stdin and stdout
  std::string connect = {};  // stream id that "@connect" reaches
};

struct ProgramResult {
  int exit_code = -1;  // -1: ended by `signal`
  int signal = 0;
  bool timed_out = false;
  std::string output, errors;
  bool succeeded() const { return exit_code == 0 && !timed_out; }
  // "exit 3: last line of stderr".
  std::string explain() const;
};

// Names a process beyond doubt, also after its pid was used again or the node was restarted.
struct ProcessId {
  std::int64_t pid = 0;
  std::int64_t start_time = 0;  // as the kernel counts it, since boot
  std::string boot_id;
  std::string mark = {};  // by which the host knows what this process has left behind
  std::string log = {};   // its log, when it has a plain name: the host keeps it from growing
};

struct ProcessStatus {
  bool alive = false;
  std::optional<std::string> started_at;
  int others = 0;      // of one that is gone: processes that came from it and live on
  std::string reason;  // of one that is gone: ended, other_boot
};

class Host {
 public:
  explicit Host(const rs_host* raw = nullptr) : raw_(raw) {}

  void debug(std::string_view text) const { log(RS_LOG_DEBUG, text); }
  void info(std::string_view text) const { log(RS_LOG_INFO, text); }
  void warning(std::string_view text) const { log(RS_LOG_WARNING, text); }

  bool path_exists(const std::string& path) const;                                    // fs.exists
  std::string write_private(const std::string& name, const std::string& text) const;  // -> path
  bool port_listening(int port) const;  // port.listening

  // `unit`: "name", or "user:NAME/name" for a unit of that user's own manager.
  UnitStatus unit_status(const std::string& unit) const;  // service.status
  UnitStatus unit_start(const std::string& unit, int timeout_seconds) const;
  UnitStatus unit_stop(const std::string& unit, int timeout_seconds) const;
  UnitStatus unit_restart(const std::string& unit, int timeout_seconds) const;
  UnitStatus unit_reload(const std::string& unit, int timeout_seconds) const;
  UnitStatus unit_try_restart(const std::string& unit, int timeout_seconds) const;
  UnitStatus unit_reload_or_restart(const std::string& unit, int timeout_seconds) const;

  ProgramResult run(const Program& program) const;                        // process.run
  ProcessId start(const Program& program, const std::string& log) const;  // process.start
  ProcessStatus process_status(const ProcessId& process) const;
  void process_signal(const ProcessId& process, int signal) const;

  std::optional<Values> recall(const std::string& key) const;         // state.get
  void remember(const std::string& key, const Values& values) const;  // state.put
  void forget(const std::string& key) const;                          // state.put null

  std::string open_stream(const std::string& offer_id) const;  // stream.open
  std::uint64_t stream_to_file(const std::string& stream, const std::string& path) const;

  void progress(std::uint64_t done, std::uint64_t total, const std::string& unit) const;
  bool cancelled() const;

  // Any service by name, for those without a function here.
  Json call(const char* service, const Json& request) const;

 private:
  void log(int level, std::string_view text) const;
  const rs_host* raw_;
};

}  // namespace sdk1
}  // namespace rolesync
