// SPDX-License-Identifier: Apache-2.0
#include "host/cli/fields.hpp"

#include <nlohmann/json.hpp>

namespace rolesync::cli {
namespace {

const Json& nothing() {
  static const Json value(nullptr);
  return value;
}

}  // namespace

const Json& member_of(const Json& object, const char* key) {
  if (!object.is_object()) return nothing();
  const auto found = object.find(key);
  return found == object.end() ? nothing() : *found;
}

std::string text_of(const Json& object, const char* key) {
  const Json& value = member_of(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::int64_t number_of(const Json& object, const char* key) {
  const Json& value = member_of(object, key);
  return value.is_number() ? value.get<std::int64_t>() : 0;
}

bool flag_of(const Json& object, const char* key) {
  const Json& value = member_of(object, key);
  return value.is_boolean() && value.get<bool>();
}

const Json& array_of(const Json& object, const char* key) {
  static const Json empty = Json::array();
  const Json& value = member_of(object, key);
  return value.is_array() ? value : empty;
}

const Json& object_of(const Json& object, const char* key) {
  static const Json empty = Json::object();
  const Json& value = member_of(object, key);
  return value.is_object() ? value : empty;
}

std::vector<std::string> texts_of(const Json& object, const char* key) {
  std::vector<std::string> out;
  for (const Json& value : array_of(object, key))
    if (value.is_string()) out.push_back(value.get<std::string>());
  return out;
}

std::string joined(const std::vector<std::string>& parts, const char* separator) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : separator) + part;
  return out;
}

}  // namespace rolesync::cli
