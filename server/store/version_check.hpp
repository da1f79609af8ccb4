// SPDX-License-Identifier: Apache-2.0
// "Change it only if it is still what I saw": the comparison behind ETag and If-Match. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "host/values/result.hpp"

namespace rolesync::store {

inline Status check_version(std::optional<std::int64_t> expected, std::int64_t found,
                            const std::string& what) {
  if (!expected || *expected == found) return {};
  return Error{
      ErrorKind::precondition, "version_mismatch",
      what + " is at version " + std::to_string(found) + ", not " + std::to_string(*expected),
      "read it again and repeat the change"};
}

}  // namespace rolesync::store
