// SPDX-License-Identifier: Apache-2.0
// The envelope of every file in a state directory: a first line with kind and format version, a
// body, and a last line with the SHA-256 of all before it. So a newer format and a damaged file are
// told apart and neither is ever guessed at. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

#include "host/values/result.hpp"

namespace rolesync {

// "rolesync-<kind> 1\n" body "sha256 <hex>\n"
std::string seal(std::string_view kind, std::string_view body);

// The body. Errors: state_newer, state_damaged; `path` is for the message.
Result<std::string_view> unseal(std::string_view kind, std::string_view text,
                                const std::string& path);

Error state_damaged(const std::string& path, std::string_view why);

// Takes the text before the next `separator` from the front of `rest`; false when there is none.
bool take_field(std::string_view& rest, char separator, std::string_view& field);

}  // namespace rolesync
