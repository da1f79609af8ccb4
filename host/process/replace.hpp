// SPDX-License-Identifier: Apache-2.0
// This process itself: becoming another program, and going on apart from whoever started it. Only
// while it has one thread, but for replace_program().
#pragma once
#include <string>
#include <vector>

#include "host/process/unique_fd.hpp"
#include "host/values/result.hpp"

namespace rolesync {

// The program at `path` goes on as this process: same pid, environment and standard descriptors,
// no blocked signals. Returns only when that fails (exec_failed). Other threads end.
Error replace_program(const std::string& path, const std::vector<std::string>& arguments);

// The caller goes on in a new process in a session of its own; this one waits, and ends with 0 once
// something was written to the returned descriptor, with 1 when it was closed without that.
Result<UniqueFd> go_on_detached();

// Children that the program before us left to this process are reaped when they end, as it would
// have done. At a start, before there are any of our own.
void take_over_children();

}  // namespace rolesync
