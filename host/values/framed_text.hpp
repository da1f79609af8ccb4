// SPDX-License-Identifier: Apache-2.0
// One line of JSON that says what follows, and then bytes as they are: for messages whose bulk is
// lists of paths, which JSON could not carry (a path is any bytes but NUL). Pure; any thread.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync {

std::string framed(const Json& header, std::string_view body);

struct FramedText {
  std::shared_ptr<const Json> header;  // an object
  std::string_view body;               // within the text that was parsed
};

// Errors: invalid/invalid_frame, and those of parse_json().
Result<FramedText> parse_framed(std::string_view text);

}  // namespace rolesync
