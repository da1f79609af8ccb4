// SPDX-License-Identifier: Apache-2.0
// Reading request bodies strictly: unknown, missing and wrongly typed fields are collected and
// refused together, each with its JSON pointer. One thread.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/values/json.hpp"
#include "host/values/timestamp.hpp"
#include "server/http/router.hpp"

namespace rolesync::api {

// The body as a JSON object. An empty body is an empty object. Errors: invalid_json,
// json_too_large, invalid_body.
Result<Json> read_object(const http::Request& request);

class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  std::string text(const char* field, std::string otherwise = "");
  std::string required_text(const char* field);
  std::string name(const char* field, std::string otherwise = "");                  // is_name
  std::string commit(const char* field);                                            // full id or ""
  std::string word(const char* field, std::initializer_list<const char*> allowed);  // or the first
  bool flag(const char* field, bool otherwise = false);
  std::optional<std::int64_t> number(const char* field, std::int64_t least, std::int64_t most);
  std::optional<std::vector<std::string>> texts(const char* field);
  std::optional<std::vector<std::string>> names(const char* field);
  // Names to short texts; nothing is an empty map.
  std::map<std::string, std::string> labels(const char* field);
  std::optional<Millis> time(const char* field);  // RFC 3339
  // The fields of an object in this one (none when it is absent); its faults are taken over, below
  // that field, by close(), which stands for its finish().
  Fields object(const char* field);
  void close(const char* field, Fields& inner);
  bool has(const char* field);

  void fault(const std::string& pointer, std::string detail);
  // Refuses fields that nobody asked for. invalid/invalid_body.
  Status finish();

 private:
  const Json* find(const char* field);
  void refuse_unknown();

  const Json& object_;
  std::set<std::string> known_;
  std::vector<FieldError> faults_;
};

// Problem of an error; unreadable JSON and queries are 400 instead of 422.
http::Response refuse(const Error& error);

// A whole number of the query, or what is otherwise; nothing when it is out of range.
std::optional<int> query_number(const http::Request& request, const char* name, int otherwise,
                                int least, int most);

// If-Match against the ETag of what is there (empty: nothing is): precondition/etag_mismatch, and
// if_match_missing when something is there and the request does not say what.
Status check_match(const http::Request& request, const std::string& etag);

http::Response json_answer(int status, const Json& body);

}  // namespace rolesync::api
