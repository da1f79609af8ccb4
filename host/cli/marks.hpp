// SPDX-License-Identifier: Apache-2.0
// The one place that decides which word of the vocabulary is shown in which colour. Pure.
#pragma once
#include <string>

#include "host/cli/table.hpp"

namespace rolesync::cli {

// The word itself, "-" when empty, in the style it deserves.
Cell marked(const std::string& word);

}  // namespace rolesync::cli
