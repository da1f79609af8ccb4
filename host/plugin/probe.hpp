// SPDX-License-Identifier: Apache-2.0
// Lets a child load a library first: if it crashes, hangs or is no plugin, only the child suffers.
// Any thread.
#pragma once
#include <chrono>
#include <filesystem>
#include <string>

#include "host/values/result.hpp"

namespace rolesync::plugin {

// The descriptor's text, as `rolesync-plugin-host --probe <file>` found it. Errors: what
// load_library and describe refuse, and failed/probe_crashed, timeout/probe_timeout,
// failed/probe_silent; unavailable/plugin_host_missing when the child cannot be started.
Result<std::string> probe(const std::filesystem::path& plugin_host_program,
                          const std::filesystem::path& file,
                          std::chrono::milliseconds limit = std::chrono::milliseconds(2'000));

// The child's side: prints {"descriptor": "<text>"} or {"refused": {...}} on its stdout. Returns
// the exit code.
int run_probe(const std::filesystem::path& file);

}  // namespace rolesync::plugin
