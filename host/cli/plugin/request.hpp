// SPDX-License-Identifier: Apache-2.0
// What `rolesync plugin run` sends: the request that an agent or server would send, from files and
// from what this machine looks like. One thread.
#pragma once
#include <string>

#include "host/plugin/registry.hpp"
#include "host/services/ports.hpp"
#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync::cli {

// File names, "-" is stdin; empty: not given.
struct RequestFiles {
  std::string role, facts, options, input;
};

// Whole, strictly read. Errors: not_found/file_missing, invalid/invalid_json.
Result<Json> read_json_file(const std::string& path);

// A missing role is a sample, missing facts are measured here. Errors name file and JSON pointer.
Result<Json> make_request(const plugin::Provided& provided, const std::string& method,
                          const RequestFiles& files, Ports& ports);

}  // namespace rolesync::cli
