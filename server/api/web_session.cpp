// SPDX-License-Identifier: Apache-2.0
#include "server/api/web_session.hpp"

#include "host/values/hash.hpp"

namespace rolesync::api {
namespace {

constexpr std::string_view cookie_name = "rolesync_session=";

}  // namespace

std::string session_secret(const http::Request& request) {
  const auto header = request.headers.find("cookie");
  if (header == request.headers.end()) return "";
  std::string_view rest = header->second;
  while (!rest.empty()) {
    const std::size_t end = rest.find(';');
    std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    if (pair.starts_with(cookie_name)) return std::string(pair.substr(cookie_name.size()));
  }
  return "";
}

std::string csrf_token(const std::string& secret) {
  return hmac_sha256_hex(secret, "csrf");
}

Status check_csrf(const http::Request& request, const std::string& secret) {
  if (request.method == "GET" || request.method == "HEAD") return {};
  const auto sent = request.headers.find("x-csrf-token");
  if (sent != request.headers.end() && equal_secrets(sent->second, csrf_token(secret))) return {};
  return Error{ErrorKind::denied, "csrf_token_missing",
               "a change by a browser session needs its X-CSRF-Token",
               "send csrf_token of GET /api/session, or use Authorization: Bearer <token>"};
}

std::string session_cookie(const std::string& secret, bool tls) {
  return std::string(cookie_name) + secret + "; Path=/; HttpOnly; SameSite=Strict" +
         (tls ? "; Secure" : "") + (secret.empty() ? "; Max-Age=0" : "");
}

}  // namespace rolesync::api
