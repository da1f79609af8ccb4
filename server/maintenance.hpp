// SPDX-License-Identifier: Apache-2.0
// What rolesync-server does with its database besides serving: backup, restore, migrate. Each
// prints what it has done and returns the exit code of the program.
#pragma once
#include <string>

#include "server/config.hpp"

namespace rolesync {

int back_up_store(const ServerConfig& config, const std::string& file);
int restore_store(const ServerConfig& config, const std::string& file);
int migrate_store_to(const ServerConfig& config, const std::string& address);

// One line for people on stderr; 2 for what was called wrongly, else 1.
int failed(const Error& error);

}  // namespace rolesync
