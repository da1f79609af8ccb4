// SPDX-License-Identifier: Apache-2.0
#include <rolesync/restart_strategy.hpp>

#include "fields.hpp"

namespace rolesync {
inline namespace sdk1 {
namespace {

std::vector<std::string> split_words(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (const char c : text) {
    if (quote) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t') {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote) throw Error(Code::invalid, "invalid_command", "a quote is not closed in: " + text);
  if (in_word) words.push_back(std::move(word));
  return words;
}

}  // namespace

std::vector<std::string> split_command(const std::string& text) {
  std::vector<std::string> words;
  const auto first = text.find_first_not_of(" \t");
  if (first != std::string::npos && text[first] == '[') {
    const Json array = Json::parse(text, nullptr, false);
    try {
      words = array.get<std::vector<std::string>>();
    } catch (const Json::exception&) {
      throw Error(Code::invalid, "invalid_command",
                  "not an array of strings, though it starts with '[': " + text);
    }
  } else {
    words = split_words(text);
  }
  if (words.empty() || words.front().empty()) {
    throw Error(Code::invalid, "invalid_command", "the command names no program");
  }
  for (const std::string& word : words) {
    if (word.find('\0') != std::string::npos) {
      throw Error(Code::invalid, "invalid_command", "the command holds a NUL character");
    }
  }
  return words;
}

ServiceStatus RestartStrategy::restart(const RoleData& role, const Options& options) {
  stop(role, options);
  return start(role, options);
}

std::vector<std::string> RestartStrategy::units(const RoleData& role, const Options&) {
  if (role.service.empty()) return {};
  return {role.service};
}

Json RestartStrategy::call(std::string_view method, const Json& request) {
  const RoleData role = fields::role_data(fields::get<Json>(request, "role", "an object"));
  const Options options = request.contains("options")
                              ? fields::get<Options>(request, "options", "an object of strings")
                              : role.restart_options;
  if (method == "status") return fields::to_json(status(role, options));
  if (method == "start") return fields::to_json(start(role, options));
  if (method == "stop") return fields::to_json(stop(role, options));
  if (method == "restart") return fields::to_json(restart(role, options));
  if (method == "units") return {{"units", units(role, options)}};
  throw Error(Code::unsupported, "method_unknown",
              "a restart strategy has no method " + std::string(method));
}

}  // namespace sdk1
}  // namespace rolesync
