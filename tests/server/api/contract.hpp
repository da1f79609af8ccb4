// SPDX-License-Identifier: Apache-2.0
// openapi.yaml as a contract: what the server answers must be what the file says. One thread.
#pragma once
#include <map>
#include <string>

namespace rolesync {

// What is wrong with an answer; empty: nothing. `path` with its query, `headers` in lower case.
std::string breach_of_contract(const std::string& method, const std::string& path, int status,
                               const std::map<std::string, std::string>& headers,
                               const std::string& body);

}  // namespace rolesync
