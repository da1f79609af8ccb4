// SPDX-License-Identifier: Apache-2.0
// From a refusal by the server back to the Error it was made from.
#include <nlohmann/json.hpp>

#include "host/client/http_client.hpp"
#include "host/values/json.hpp"

namespace rolesync {
namespace {

ErrorKind kind_of(int status) {
  switch (status) {
    case 400:
    case 411:
    case 415:
    case 422:
      return ErrorKind::invalid;
    case 401:
      return ErrorKind::unauthenticated;
    case 403:
      return ErrorKind::denied;
    case 404:
      return ErrorKind::not_found;
    case 405:
      return ErrorKind::invalid;
    case 409:
      return ErrorKind::conflict;
    case 412:
    case 428:
      return ErrorKind::precondition;
    case 413:
      return ErrorKind::too_large;
    case 408:
    case 504:
      return ErrorKind::timeout;
    case 429:
    case 502:
    case 503:
      return ErrorKind::unavailable;
    default:
      return ErrorKind::failed;
  }
}

std::string text_of(const Json& body, const char* name) {
  const auto found = body.find(name);
  return found != body.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

}  // namespace

Error error_from_answer(const HttpAnswer& answer) {
  Error error{kind_of(answer.status), "http_" + std::to_string(answer.status),
              "The server answered with status " + std::to_string(answer.status), ""};
  Result<Json> body = parse_json(answer.body);
  if (!body || !body->is_object()) return error;
  if (const std::string reason = text_of(*body, "reason"); !reason.empty()) error.reason = reason;
  if (const std::string detail = text_of(*body, "detail"); !detail.empty()) error.message = detail;
  error.hint = text_of(*body, "hint");
  const auto fields = body->find("errors");
  if (fields == body->end() || !fields->is_array()) return error;
  for (const Json& field : *fields) {
    if (field.is_object()) {
      error.fields.push_back({text_of(field, "pointer"), text_of(field, "detail")});
    }
  }
  return error;
}

}  // namespace rolesync
