// SPDX-License-Identifier: Apache-2.0
#include "host/cli/label_words.hpp"

#include <nlohmann/json.hpp>

#include "host/cli/fields.hpp"

namespace rolesync::cli {

Result<Json> labels_from_words(const std::vector<std::string>& words) {
  Json labels = Json::object();
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{ErrorKind::invalid, "usage", "\"" + word + "\" is no label",
                   "write name=value, for example rack=a"};
    }
    labels[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return labels;
}

std::string label_words(const Json& labels) {
  std::vector<std::string> words;
  for (const auto& [name, value] : labels.items()) {
    words.push_back(name + "=" + (value.is_string() ? value.get<std::string>() : ""));
  }
  return joined(words);
}

}  // namespace rolesync::cli
