// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/status_codes.hpp"

#include <rolesync/abi.h>
#include <nlohmann/json.hpp>

namespace rolesync::plugin {
namespace {

ErrorKind kind_of(std::int32_t status) {
  switch (status) {
    case RS_INVALID:
      return ErrorKind::invalid;
    case RS_NOT_FOUND:
      return ErrorKind::not_found;
    case RS_TRANSIENT:
      return ErrorKind::unavailable;
    case RS_CANCELLED:
      return ErrorKind::conflict;
    default:
      return ErrorKind::failed;
  }
}

const char* default_reason(std::int32_t status) {
  switch (status) {
    case RS_INVALID:
      return "invalid_request";
    case RS_NOT_FOUND:
      return "not_found";
    case RS_UNSUPPORTED:
      return "unsupported";
    case RS_TRANSIENT:
      return "transient";
    case RS_CANCELLED:
      return "cancelled";
    default:
      return "failed";
  }
}

std::string text_field(const Json& object, const char* field) {
  const auto it = object.find(field);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

Error error_of(std::int32_t status, const Json& object) {
  Error error{kind_of(status), text_field(object, "reason"), text_field(object, "message"),
              text_field(object, "hint")};
  if (error.reason.empty() || status == RS_CANCELLED) error.reason = default_reason(status);
  if (error.message.empty()) error.message = "the plugin reported no details";
  return error;
}

}  // namespace

Error error_from_status(std::int32_t status, std::string_view text) {
  const Result<Json> parsed = parse_json(text, {.max_bytes = 64 << 10});
  return error_of(status, parsed && parsed->is_object() ? *parsed : Json::object());
}

std::int32_t status_of(const Error& error) {
  if (error.reason == "cancelled") return RS_CANCELLED;
  if (error.reason == "unsupported" || error.reason == "service_unknown") return RS_UNSUPPORTED;
  switch (error.kind) {
    case ErrorKind::invalid:
    case ErrorKind::denied:
    case ErrorKind::precondition:
    case ErrorKind::too_large:
      return RS_INVALID;
    case ErrorKind::not_found:
      return RS_NOT_FOUND;
    case ErrorKind::unavailable:
    case ErrorKind::timeout:
    case ErrorKind::conflict:
      return RS_TRANSIENT;
    case ErrorKind::unauthenticated:
    case ErrorKind::failed:
      return RS_FAILED;
  }
  return RS_FAILED;
}

std::string error_text(const Error& error) {
  return to_text({{"reason", error.reason}, {"message", error.message}, {"hint", error.hint}});
}

Json error_to_json(const Error& error) {
  return {{"status", status_of(error)},
          {"reason", error.reason},
          {"message", error.message},
          {"hint", error.hint}};
}

Error error_from_json(const Json& object) {
  const auto status = object.find("status");
  const bool known = status != object.end() && status->is_number_integer();
  return error_of(known ? status->get<std::int32_t>() : RS_FAILED, object);
}

}  // namespace rolesync::plugin
