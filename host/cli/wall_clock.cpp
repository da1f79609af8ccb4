// SPDX-License-Identifier: Apache-2.0
#include "host/cli/wall_clock.hpp"

#include <chrono>

#include "host/cli/text.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync::cli {

std::string age_of(const std::string& rfc3339) {
  const auto at = from_rfc3339(rfc3339);
  if (!at) return "-";
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return human_age(*at, std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace rolesync::cli
