// SPDX-License-Identifier: Apache-2.0
// Reads fields of a request or reply; a missing or wrongly typed one is Error{invalid}. Internal to
// the SDK's sources. Pure; any thread.
#pragma once
#include <rolesync/types.hpp>

#include <nlohmann/json.hpp>
#include <string>

namespace rolesync {
inline namespace sdk1 {
namespace fields {

[[noreturn]] void refuse(const std::string& field, const char* expected);

template <class T>
T get(const Json& object, const char* field, const char* expected) {
  const auto it = object.find(field);
  if (it == object.end()) refuse(field, expected);
  try {
    return it->template get<T>();
  } catch (const Json::exception&) {
    refuse(field, expected);
  }
}

inline std::string text(const Json& object, const char* field) {
  return get<std::string>(object, field, "a string");
}

inline bool flag(const Json& object, const char* field) {
  return get<bool>(object, field, "true or false");
}

inline std::uint64_t count(const Json& object, const char* field) {
  return get<std::uint64_t>(object, field, "a number");
}

// Absent, null and "" are the same.
std::string optional_text(const Json& object, const char* field);
std::optional<std::string> nullable_text(const Json& object, const char* field);

Values values(const Json& object);
Json to_json(const Values& values);
RoleData role_data(const Json& role);
ServiceStatus service_status(const Json& object);
Json to_json(const ServiceStatus& status);

}  // namespace fields
}  // namespace sdk1
}  // namespace rolesync
