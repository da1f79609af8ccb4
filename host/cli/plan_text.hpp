// SPDX-License-Identifier: Apache-2.0
// A plan as a person reads it: rows per role and node, why, and the files. Pure; any thread.
#pragma once
#include <cstddef>
#include <string>

#include "host/values/json.hpp"

namespace rolesync::cli {

struct PlanTextOptions {
  bool colour = false;
  std::size_t width = 0;
  bool all_files = false;
};

std::string plan_text(const Json& plan, const PlanTextOptions& options);

}  // namespace rolesync::cli
