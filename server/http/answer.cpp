// SPDX-License-Identifier: Apache-2.0
#include "server/http/answer.hpp"

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/String.h>
#include <Poco/Timestamp.h>

#include <algorithm>

#include "server/http/status.hpp"

namespace rolesync::http {
namespace {

bool has_no_body(int status) {
  return status < 200 || status == 204 || status == 304;
}

// A handler that copies text into a header must not be able to start a second header.
std::string one_line(std::string value) {
  std::replace_if(
      value.begin(), value.end(),
      [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }, ' ');
  return value;
}

bool is_ours(const std::string& name) {
  static const std::set<std::string> names = {"content-length", "connection", "transfer-encoding",
                                              "date", "x-request-id"};
  return names.contains(Poco::toLower(name));
}

std::string status_line(int status, const std::string& request_id) {
  return "HTTP/1.1 " + std::to_string(status) + ' ' + status_text(status) + "\r\nDate: " +
         Poco::DateTimeFormatter::format(Poco::Timestamp(), Poco::DateTimeFormat::HTTP_FORMAT) +
         "\r\nX-Request-Id: " + request_id + "\r\nX-Content-Type-Options: nosniff\r\n";
}

}  // namespace

std::string answer_bytes(const Response& response, const std::string& request_id, bool keep_alive,
                         bool without_body) {
  std::string out = status_line(response.status, request_id);
  bool caching_said = false;
  for (const auto& [name, value] : response.headers) {
    if (is_ours(name)) continue;
    caching_said = caching_said || Poco::icompare(name, "cache-control") == 0;
    out += one_line(name) + ": " + one_line(value) + "\r\n";
  }
  if (!caching_said) out += "Cache-Control: no-store\r\n";
  if (!has_no_body(response.status)) {
    out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
  }
  if (!keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  if (!has_no_body(response.status) && !without_body) out += response.body;
  return out;
}

std::string event_stream_head(const std::string& request_id) {
  return status_line(200, request_id) +
         "Content-Type: text/event-stream\r\nCache-Control: no-store\r\n"
         "X-Accel-Buffering: no\r\nConnection: close\r\n\r\n";
}

}  // namespace rolesync::http
