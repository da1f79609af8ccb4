// SPDX-License-Identifier: Apache-2.0
#include "host/client/event_parser.hpp"

namespace rolesync {

bool EventParser::feed(std::string& in,
                       const std::function<bool(const HttpClient::Event&)>& callback) {
  std::size_t used = 0;
  for (;;) {
    const std::size_t end = in.find('\n', used);
    if (end == std::string::npos) break;
    std::string_view text(in.data() + used, end - used);
    if (text.ends_with('\r')) text.remove_suffix(1);
    used = end + 1;
    if (!line(text, callback)) return false;
  }
  in.erase(0, used);
  return true;
}

bool EventParser::line(std::string_view text,
                       const std::function<bool(const HttpClient::Event&)>& callback) {
  if (text.empty()) {
    const bool go_on = !has_data_ || callback(event_);
    event_.type.clear();
    event_.data.clear();
    has_data_ = false;
    return go_on;
  }
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  std::string_view value =
      colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  } else if (name == "event") {
    event_.type = value;
  } else if (name == "id") {
    event_.id = value;
  }
  return true;
}

}  // namespace rolesync
