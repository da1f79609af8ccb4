// SPDX-License-Identifier: Apache-2.0
// Reads the fields of a plugin's request strictly: what is missing, of a wrong type or unknown
// makes the whole request invalid, with the field named. One thread.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/values/json.hpp"
#include "host/values/result.hpp"

namespace rolesync {

class RequestFields {
 public:
  RequestFields(const Json& request, std::initializer_list<const char*> known);

  std::string text(const char* name);  // required
  std::optional<std::string> optional_text(const char* name);
  std::int64_t number(const char* name);  // required
  std::optional<double> optional_number(const char* name);
  std::vector<std::string> texts(const char* name);               // required
  std::map<std::string, std::string> text_map(const char* name);  // empty when absent
  const Json* any(const char* name);                              // required

  Status status() const;  // after all fields were read

 private:
  const Json* find(const char* name);
  void complain(const char* name, const char* what);
  const Json& request_;
  std::string problem_;
};

}  // namespace rolesync
