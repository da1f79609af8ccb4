// SPDX-License-Identifier: Apache-2.0
// Lines of a text/event-stream to events. One parser belongs to one stream.
#pragma once
#include <functional>
#include <string>

#include "host/client/http_client.hpp"

namespace rolesync {

class EventParser {
 public:
  // Takes all complete lines from the front of `in`. False: the callback wants no more.
  bool feed(std::string& in, const std::function<bool(const HttpClient::Event&)>& callback);

 private:
  bool line(std::string_view text, const std::function<bool(const HttpClient::Event&)>& callback);
  HttpClient::Event event_;
  bool has_data_ = false;
};

}  // namespace rolesync
