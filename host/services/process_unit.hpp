// SPDX-License-Identifier: Apache-2.0
// Whether a process belongs to a systemd unit, by the control group it is in. Any thread.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

namespace rolesync {

// Nothing: it cannot be told, because the process is gone or hidden, or no unit holds it at all.
// `unit` as in a role, with or without its suffix; instances of a template count as it.
std::optional<bool> is_of_unit(pid_t pid, const std::string& unit);

// The same from the text of /proc/<pid>/cgroup.
std::optional<bool> cgroups_name_unit(const std::string& cgroups, const std::string& unit);

}  // namespace rolesync
