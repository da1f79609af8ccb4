// SPDX-License-Identifier: Apache-2.0
// Where this tree and its build lie. Functions, so that only one object file depends on the place
// and a compiler cache serves every clone.
#pragma once
#include <string>

namespace rolesync {

const std::string& source_directory();
const std::string& build_directory();

}  // namespace rolesync
