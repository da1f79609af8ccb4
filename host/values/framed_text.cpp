// SPDX-License-Identifier: Apache-2.0
#include "host/values/framed_text.hpp"

#include <nlohmann/json.hpp>

namespace rolesync {

std::string framed(const Json& header, std::string_view body) {
  std::string text = to_text(header);  // JSON text has no line feed of its own
  text += '\n';
  text += body;
  return text;
}

Result<FramedText> parse_framed(std::string_view text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    return Error{ErrorKind::invalid, "invalid_frame",
                 "the message has no line of JSON before its bytes"};
  }
  Result<Json> header = parse_json(text.substr(0, end));
  if (!header) return header.error();
  if (!header->is_object()) {
    return Error{ErrorKind::invalid, "invalid_frame", "the message's first line is not an object"};
  }
  return FramedText{std::make_shared<const Json>(std::move(*header)), text.substr(end + 1)};
}

}  // namespace rolesync
