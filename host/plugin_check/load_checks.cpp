// SPDX-License-Identifier: Apache-2.0
// RS2xx: the library is loaded, and its initialisers run.
#include <algorithm>
#include <string_view>

#include "host/plugin/process_state.hpp"
#include "host/plugin_check/families.hpp"
#include "host/plugin_check/own_stdout.hpp"
#include "host/plugin_check/subject.hpp"

namespace rolesync::plugin_check {
namespace {

// Loading ends at the first fault; each check answers for the faults that are its own.
Outcome unless(Subject& subject, std::initializer_list<std::string_view> reasons) {
  const auto library = subject.library();
  if (library) return passed();
  const auto own = std::find(reasons.begin(), reasons.end(), library.error().reason);
  return own == reasons.end() ? passed() : failed(library.error().message);
}

Outcome symbols(Subject& subject) {
  return unless(subject, {"symbol_unresolved"});
}

Outcome loads(Subject& subject) {
  return unless(subject, {"load_failed"});
}

Outcome entry(Subject& subject) {
  return unless(subject, {"entry_missing", "wrong_magic", "entry_incomplete"});
}

Outcome abi(Subject& subject) {
  const auto library = subject.library();
  return library ? passed() : failed(library.error().message);
}

Outcome leaves_process_alone(Subject& subject) {
  const auto before = plugin::ProcessState::now();
  const auto text = subject.descriptor_text();
  const std::string changed = before.difference(plugin::ProcessState::now());
  return changed.empty() ? passed() : failed("loading it changes " + changed);
}

Outcome silent(Subject& subject) {
  const OwnStdout out;
  const auto text = subject.descriptor_text();
  const std::string printed = out.printed();
  return printed.empty() ? passed() : failed("it prints \"" + printed.substr(0, 60) + "\"");
}

}  // namespace

std::vector<Check> load_checks() {
  return {
      {"RS201", "everything it uses is found",
       "the process would end at the first missing function",
       "link what it uses; rolesync_add_plugin() links with -z defs, so the build says it",
       &symbols, true},
      {"RS202", "it can be loaded",
       "its static initialisers run in the process that loads it: a crash there is a crash of the "
       "server",
       "do nothing before the first call; keep objects out of static storage", &loads, true},
      {"RS203", "it has the entry of a plugin", "without it nothing can be asked",
       "write ROLESYNC_PLUGIN(...) or ROLESYNC_ROLE(...) once, at namespace scope", &entry, true},
      {"RS204", "its ABI is one of this host",
       "structures of another major ABI mean something else, so they are refused",
       "rebuild it with the SDK of this rolesync", &abi, true},
      {"RS205", "loading it leaves the process alone",
       "signal handlers, umask and working directory belong to the server, and to all plugins in "
       "it",
       "do not touch them; give a program its directory and environment with process.run",
       &leaves_process_alone},
      {"RS206", "loading it prints nothing",
       "stdout belongs to the host, which may speak a protocol on it", "log with host().info(...)",
       &silent},
  };
}

}  // namespace rolesync::plugin_check
