// SPDX-License-Identifier: Apache-2.0
// Labels as people type them: "rack=a". Pure.
#pragma once
#include <string>
#include <vector>

#include "host/values/json.hpp"

namespace rolesync::cli {

// {"rack": "a"}. Error: invalid/usage, naming the word that is no name=value.
Result<Json> labels_from_words(const std::vector<std::string>& words);
std::string label_words(const Json& labels);  // "rack=a, zone=b"

}  // namespace rolesync::cli
