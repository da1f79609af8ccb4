// SPDX-License-Identifier: Apache-2.0
// A JSON document named on the command line. One thread.
#pragma once
#include <string>

#include "host/values/json.hpp"

namespace rolesync::cli {

// The file, or standard input for "-". Errors: not_found/file_unreadable, invalid/invalid_json.
Result<Json> read_json_input(const std::string& path);

}  // namespace rolesync::cli
