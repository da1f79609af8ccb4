// SPDX-License-Identifier: Apache-2.0
// Lets a child load a library first: if it crashes, hangs or is no plugin, only the child suffers.
// Any thread.
#pragma once
#include <chrono>
#include <filesystem>
#include <string>

#include "host/values/result.hpp"

namespace rolesync::plugin {

struct Probed {
  std::string descriptor;  // its text, not yet looked at
  std::string abi;         // "1.0"
  // Why it must not run inside our own process; empty when it may. A reason and a sentence:
  // changes_process (signal handlers, umask or working directory), leaves_thread.
  std::string objection, objection_text;
};

// As `rolesync-plugin-host --probe <file>` found it: loads, describes, makes and destroys an
// instance of everything it provides. Errors: what load_library and describe refuse,
// invalid/create_failed, failed/probe_crashed, timeout/probe_timeout, failed/probe_silent;
// unavailable/plugin_host_missing when the child cannot be started.
Result<Probed> probe(const std::filesystem::path& plugin_host_program,
                     const std::filesystem::path& file,
                     std::chrono::milliseconds limit = std::chrono::milliseconds(2'000));

// The child's side: prints {"descriptor": "<text>", "abi", "objection", "objection_text"} or
// {"refused": {...}} on its stdout. Returns the exit code.
int run_probe(const std::filesystem::path& file);

}  // namespace rolesync::plugin
