// SPDX-License-Identifier: Apache-2.0
// Text from a repository is bytes; what people read is UTF-8. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

namespace rolesync::source {

// Bytes that are not UTF-8 become U+FFFD.
std::string repair_utf8(std::string_view bytes);

}  // namespace rolesync::source
