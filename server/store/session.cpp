// SPDX-License-Identifier: Apache-2.0
#include "server/store/session.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "host/values/json.hpp"

namespace rolesync::store {

std::int64_t Row::integer(std::size_t column) const {
  const Column& held = columns_.at(column);
  return held ? std::strtoll(held->c_str(), nullptr, 10) : 0;
}

std::optional<std::int64_t> Row::optional_integer(std::size_t column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

Status check_text(const std::vector<Value>& values) {
  for (const Value& value : values) {
    const auto* text = std::get_if<std::string>(&value.held());
    if (text && text->find('\0') != std::string::npos) {
      return Error{ErrorKind::invalid, "text_has_nul", "a text to be stored has a NUL byte in it",
                   "send text without NUL characters"};
    }
  }
  return {};
}

Result<Row> first_row(Result<std::vector<Row>> rows, std::string_view reason, std::string message) {
  if (!rows) return rows.error();
  if (rows->empty()) return Error{ErrorKind::not_found, std::string(reason), std::move(message)};
  return std::move(rows->front());
}

Status changed_row(const Result<std::size_t>& changed, std::string_view reason,
                   std::string message) {
  if (!changed) return changed.error();
  if (*changed == 0) return Error{ErrorKind::not_found, std::string(reason), std::move(message)};
  return {};
}

Status status_of(const Result<std::size_t>& changed) {
  return changed ? Status{} : Status{changed.error()};
}

std::string words_to_json(const std::vector<std::string>& words) {
  return to_text(Json(words));
}

std::vector<std::string> words_from_json(const std::string& text) {
  const Result<Json> parsed = parse_json(text);
  std::vector<std::string> words;
  if (!parsed || !parsed->is_array()) return words;
  for (const Json& word : *parsed) {
    if (word.is_string()) words.push_back(word.get<std::string>());
  }
  return words;
}

std::string labels_to_json(const std::map<std::string, std::string>& labels) {
  return to_text(Json(labels));
}

std::map<std::string, std::string> labels_from_json(const std::string& text) {
  const Result<Json> parsed = parse_json(text);
  std::map<std::string, std::string> labels;
  if (!parsed || !parsed->is_object()) return labels;
  for (const auto& [name, value] : parsed->items()) {
    if (value.is_string()) labels[name] = value.get<std::string>();
  }
  return labels;
}

}  // namespace rolesync::store
