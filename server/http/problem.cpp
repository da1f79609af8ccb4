// SPDX-License-Identifier: Apache-2.0
// Errors as application/problem+json (RFC 9457).
#include <nlohmann/json.hpp>

#include "host/values/json.hpp"
#include "server/http/router.hpp"
#include "server/http/status.hpp"

namespace rolesync::http {

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid:
      return 422;
    case ErrorKind::unauthenticated:
      return 401;
    case ErrorKind::denied:
      return 403;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::conflict:
      return 409;
    case ErrorKind::precondition:
      return 412;
    case ErrorKind::too_large:
      return 413;
    case ErrorKind::unavailable:
      return 503;
    case ErrorKind::timeout:
      return 504;
    case ErrorKind::failed:
      break;
  }
  return 500;
}

const char* status_text(int status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 428:
      return "Precondition Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

Response json_response(int status, std::string body) {
  return {status, {{"Content-Type", "application/json"}}, std::move(body)};
}

Response problem(const Error& error) {
  const bool unreadable = error.reason == "invalid_json" || error.reason == "invalid_query";
  if (error.reason == "if_match_missing") return problem(428, error);
  return problem(unreadable ? 400 : status_of(error.kind), error);
}

Response problem(int status, const Error& error) {
  Json body = {{"type", "urn:rolesync:problem:" + error.reason},
               {"title", status_text(status)},
               {"status", status},
               {"reason", error.reason},
               {"detail", error.message}};
  if (!error.hint.empty()) body["hint"] = error.hint;
  if (!error.fields.empty()) {
    body["errors"] = Json::array();
    for (const FieldError& field : error.fields) {
      body["errors"].push_back({{"pointer", field.pointer}, {"detail", field.detail}});
    }
  }
  Response response{status, {{"Content-Type", kProblemType}}, to_text(body)};
  if (status == 401) response.headers["WWW-Authenticate"] = "Bearer";
  return response;
}

void add_request_id(Response& response, const std::string& id) {
  const auto type = response.headers.find("Content-Type");
  if (type == response.headers.end() || type->second != kProblemType) return;
  Result<Json> body = parse_json(response.body);
  if (!body || !body->is_object()) return;
  (*body)["request_id"] = id;
  response.body = to_text(*body);
}

}  // namespace rolesync::http
