// SPDX-License-Identifier: Apache-2.0
// The server's version, as it shows it.
#pragma once

namespace rolesync {

inline constexpr const char* server_version = "0.1.0";

}  // namespace rolesync
