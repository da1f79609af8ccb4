// SPDX-License-Identifier: Apache-2.0
#include "host/services/request_fields.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>

namespace rolesync {

RequestFields::RequestFields(const Json& request, std::initializer_list<const char*> known)
    : request_(request) {
  if (!request.is_object()) {
    problem_ = "the request is not an object";
    return;
  }
  for (auto field = request.begin(); field != request.end(); ++field) {
    const std::string& name = field.key();
    const bool ok =
        std::any_of(known.begin(), known.end(), [&](const char* each) { return name == each; });
    if (!ok) complain(name.c_str(), "is not a field of this service");
  }
}

const Json* RequestFields::find(const char* name) {
  if (!request_.is_object()) return nullptr;
  auto it = request_.find(name);
  return it == request_.end() ? nullptr : &*it;
}

void RequestFields::complain(const char* name, const char* what) {
  if (problem_.empty()) problem_ = std::string("'") + name + "' " + what;
}

std::string RequestFields::text(const char* name) {
  const Json* value = find(name);
  if (value && value->is_string()) return value->get<std::string>();
  complain(name, "must be a text");
  return {};
}

std::optional<std::string> RequestFields::optional_text(const char* name) {
  const Json* value = find(name);
  if (!value || value->is_null()) return std::nullopt;
  return text(name);
}

std::int64_t RequestFields::number(const char* name) {
  const Json* value = find(name);
  if (value && value->is_number_integer()) return value->get<std::int64_t>();
  complain(name, "must be a whole number");
  return 0;
}

std::optional<double> RequestFields::optional_number(const char* name) {
  const Json* value = find(name);
  if (!value || value->is_null()) return std::nullopt;
  if (value->is_number()) return value->get<double>();
  complain(name, "must be a number");
  return std::nullopt;
}

std::vector<std::string> RequestFields::texts(const char* name) {
  const Json* value = find(name);
  std::vector<std::string> list;
  bool ok = value && value->is_array();
  for (std::size_t i = 0; ok && i < value->size(); ++i) {
    ok = (*value)[i].is_string();
    if (ok) list.push_back((*value)[i].get<std::string>());
  }
  if (!ok) complain(name, "must be a list of texts");
  return list;
}

std::map<std::string, std::string> RequestFields::text_map(const char* name) {
  const Json* value = find(name);
  std::map<std::string, std::string> map;
  if (!value || value->is_null()) return map;
  bool ok = value->is_object();
  if (ok) {
    for (const auto& [key, each] : value->items()) {
      if (each.is_string()) {
        map[key] = each.get<std::string>();
      } else {
        ok = false;
      }
    }
  }
  if (!ok) complain(name, "must be an object of texts");
  return map;
}

const Json* RequestFields::any(const char* name) {
  const Json* value = find(name);
  if (!value) complain(name, "is missing");
  return value;
}

Status RequestFields::status() const {
  if (problem_.empty()) return {};
  return Error{ErrorKind::invalid, "invalid_request", problem_, "see docs/plugin-services.md"};
}

}  // namespace rolesync
