// SPDX-License-Identifier: Apache-2.0
// Keeps the log of a program that goes on writing into it from growing without end. Any thread.
#pragma once
#include <cstdint>
#include <string>

#include "host/values/result.hpp"

namespace rolesync {

// When the file is larger than `limit`: its last `limit` bytes become `<path>.1`, in place of what
// was there, and it goes on empty. What the program writes in between is lost. The program must
// append (O_APPEND).
Status bound_log(const std::string& path, std::uint64_t limit);

}  // namespace rolesync
