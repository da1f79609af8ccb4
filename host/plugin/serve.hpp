// SPDX-License-Identifier: Apache-2.0
// The child's end of an isolated plugin: one library, one instance, calls one after another until
// the input ends.
#pragma once
#include <filesystem>

namespace rolesync::plugin {

// Moves the wire away from fd 0 and 1 first, so that nothing a plugin prints can break it. Returns
// the exit code; leaves the process at the end of input even while a call hangs.
int run_serve(const std::filesystem::path& file);

}  // namespace rolesync::plugin
