// SPDX-License-Identifier: Apache-2.0
#include "server/api/body.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "host/values/names.hpp"

namespace rolesync::api {
namespace {

constexpr std::size_t most_labels = 64, longest_label = 63;

bool is_label_value(const std::string& text) {
  return !text.empty() && text.size() <= longest_label &&
         text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
             std::string::npos;
}

}  // namespace

Result<Json> read_object(const http::Request& request) {
  if (request.body.empty()) return Json::object();
  auto json = parse_json(request.body);
  if (!json) return json.error();
  if (!json->is_object()) {
    return Error{ErrorKind::invalid,
                 "invalid_body",
                 "the body must be a JSON object",
                 "see /api/openapi.yaml",
                 {{"", "must be an object"}}};
  }
  return std::move(*json);
}

const Json* Fields::find(const char* field) {
  known_.insert(field);
  const auto it = object_.find(field);
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

void Fields::fault(const std::string& pointer, std::string detail) {
  faults_.push_back({pointer, std::move(detail)});
}

bool Fields::has(const char* field) {
  return find(field) != nullptr;
}

std::string Fields::text(const char* field, std::string otherwise) {
  const Json* value = find(field);
  if (!value) return otherwise;
  const std::string pointer = std::string("/") + field;
  if (!value->is_string()) {
    fault(pointer, "must be a string");
    return otherwise;
  }
  std::string text = value->get<std::string>();
  if (text.find('\0') != std::string::npos) fault(pointer, "must not hold a NUL character");
  return text;
}

std::string Fields::required_text(const char* field) {
  std::string value = text(field);
  if (value.empty()) fault(std::string("/") + field, "is required");
  return value;
}

std::string Fields::name(const char* field, std::string otherwise) {
  std::string value = text(field, std::move(otherwise));
  if (!is_name(value)) {
    fault(std::string("/") + field,
          "must be lower-case letters, digits and '-', at most 63 characters");
  }
  return value;
}

std::string Fields::commit(const char* field) {
  std::string value = text(field);
  if (!value.empty() && !is_commit(value)) {
    fault(std::string("/") + field, "is not a full commit id (40 or 64 lower-case hex digits)");
  }
  return value;
}

std::string Fields::word(const char* field, std::initializer_list<const char*> allowed) {
  std::string value = text(field, *allowed.begin());
  std::string list;
  for (const char* candidate : allowed) {
    if (value == candidate) return value;
    list += std::string(list.empty() ? "" : ", ") + candidate;
  }
  fault(std::string("/") + field, "must be one of " + list);
  return value;
}

bool Fields::flag(const char* field, bool otherwise) {
  const Json* value = find(field);
  if (!value) return otherwise;
  if (!value->is_boolean()) {
    fault(std::string("/") + field, "must be true or false");
    return otherwise;
  }
  return value->get<bool>();
}

std::optional<std::int64_t> Fields::number(const char* field, std::int64_t least,
                                           std::int64_t most) {
  const Json* value = find(field);
  if (!value) return std::nullopt;
  if (!value->is_number_integer() || value->get<std::int64_t>() < least ||
      value->get<std::int64_t>() > most) {
    fault(std::string("/") + field,
          "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
  }
  return value->get<std::int64_t>();
}

std::optional<std::vector<std::string>> Fields::texts(const char* field) {
  const Json* value = find(field);
  if (!value) return std::nullopt;
  std::vector<std::string> list;
  const std::string pointer = std::string("/") + field;
  if (!value->is_array()) {
    fault(pointer, "must be an array of strings");
    return list;
  }
  for (const Json& item : *value) {
    const std::string place = pointer + "/" + std::to_string(list.size());
    if (!item.is_string()) {
      fault(place, "must be a string");
      return list;
    }
    list.push_back(item.get<std::string>());
    if (std::count(list.begin(), list.end(), list.back()) > 1) fault(place, "stands there twice");
  }
  return list;
}

std::optional<std::vector<std::string>> Fields::names(const char* field) {
  auto list = texts(field);
  for (std::size_t i = 0; list && i < list->size(); ++i) {
    if (!is_name((*list)[i])) {
      fault("/" + std::string(field) + "/" + std::to_string(i), "is not a valid name");
    }
  }
  return list;
}

std::map<std::string, std::string> Fields::labels(const char* field) {
  std::map<std::string, std::string> labels;
  const Json* value = find(field);
  const std::string pointer = std::string("/") + field;
  if (!value) return labels;
  if (!value->is_object() || value->size() > most_labels) {
    fault(pointer, "must be an object of at most " + std::to_string(most_labels) + " labels");
    return labels;
  }
  for (const auto& [name, text] : value->items()) {
    const bool fits = is_name(name) && text.is_string() && is_label_value(text.get<std::string>());
    if (fits) {
      labels[name] = text.get<std::string>();
    } else {
      fault(pointer + "/" + name,
            "must be a name (lower-case letters, digits, '-') with a value of at most 63 letters, "
            "digits, '-', '_' and '.'");
    }
  }
  return labels;
}

std::optional<Millis> Fields::time(const char* field) {
  const std::string value = text(field);
  if (value.empty()) return std::nullopt;
  const auto at = from_rfc3339(value);
  if (!at) fault(std::string("/") + field, "must be a time like 2026-11-28T22:00:00Z");
  return at;
}

Fields Fields::object(const char* field) {
  static const Json none = Json::object();
  const Json* value = find(field);
  if (value && !value->is_object()) fault(std::string("/") + field, "must be an object");
  return Fields(value && value->is_object() ? *value : none);
}

void Fields::close(const char* field, Fields& inner) {
  inner.refuse_unknown();
  for (FieldError& each : inner.faults_) {
    fault("/" + std::string(field) + each.pointer, std::move(each.detail));
  }
}

void Fields::refuse_unknown() {
  for (const auto& [field, value] : object_.items()) {
    if (!known_.contains(field)) fault("/" + field, "is not a field of this request");
  }
}

Status Fields::finish() {
  refuse_unknown();
  if (faults_.empty()) return {};
  const std::string first = faults_[0].pointer + " " + faults_[0].detail;
  return Error{ErrorKind::invalid, "invalid_body", "the request is not valid: " + first,
               "see /api/openapi.yaml", std::move(faults_)};
}

http::Response refuse(const Error& error) {
  return http::problem(error);
}

std::optional<int> query_number(const http::Request& request, const char* name, int otherwise,
                                int least, int most) {
  const auto it = request.query.find(name);
  if (it == request.query.end()) return otherwise;
  int value = 0;
  const char* end = it->second.data() + it->second.size();
  const auto [stop, error] = std::from_chars(it->second.data(), end, value);
  if (error != std::errc{} || stop != end || value < least || value > most) return std::nullopt;
  return value;
}

Status check_match(const http::Request& request, const std::string& etag) {
  const auto wanted = request.headers.find("if-match");
  if (wanted == request.headers.end()) {
    if (etag.empty()) return {};
    return Error{ErrorKind::precondition, "if_match_missing",
                 "a change must say what it changes: the header If-Match is missing",
                 "send the ETag of what you have read, or If-Match: * to change it in any case"};
  }
  if (wanted->second == "*" || wanted->second == etag) return {};
  return Error{ErrorKind::precondition, "etag_mismatch",
               "somebody else has changed it in the meantime",
               "read it again and repeat the change"};
}

http::Response json_answer(int status, const Json& body) {
  return http::json_response(status, to_text(body));
}

}  // namespace rolesync::api
