// SPDX-License-Identifier: Apache-2.0
// The other programs of the installation, which stand beside this one. Any thread.
#pragma once
#include <string>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync::cli {

// The directory of the running program, without a trailing '/'.
std::string program_directory();

// Full path of "rolesync-server" and so on; an Error that says what to install.
Result<std::string> find_program(const std::string& name);

// `rolesync server ...` and `rolesync agent ...`: what argv their own programs get.
std::vector<std::string> program_arguments(const std::vector<std::string>& arguments);

// Replaces this process; returns only when that fails.
Error replace_by_program(const std::vector<std::string>& argv);

}  // namespace rolesync::cli
