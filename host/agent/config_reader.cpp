// SPDX-License-Identifier: Apache-2.0
#include "host/agent/config_reader.hpp"

namespace rolesync::agent {

std::string ConfigReader::full(const std::string& key) const {
  return section_.empty() ? key : section_ + "." + key;
}

void ConfigReader::complain(const toml::node& node, const std::string& what) {
  if (problem_.empty()) {
    problem_ = file_ + ":" + std::to_string(node.source().begin.line) + ": " + what;
  }
}

void ConfigReader::note_place(const char* key, std::map<std::string, std::string>& places) const {
  const toml::node* node = table_.get(key);
  if (node) places[full(key)] = file_ + ":" + std::to_string(node->source().begin.line);
}

const toml::node* ConfigReader::find(const char* key) {
  asked_.insert(key);
  return table_.get(key);
}

void ConfigReader::text(const char* key, std::string& into) {
  const toml::node* node = find(key);
  if (!node) return;
  if (!node->is_string()) return complain(*node, full(key) + " must be a text");
  into = **node->as_string();
}

void ConfigReader::texts(const char* key, std::vector<std::string>& into) {
  const toml::node* node = find(key);
  if (!node) return;
  const toml::array* array = node->as_array();
  if (!array) return complain(*node, full(key) + " must be a list of texts");
  into.clear();
  for (const toml::node& each : *array) {
    if (!each.is_string()) return complain(each, full(key) + " must be a list of texts");
    into.push_back(**each.as_string());
  }
}

void ConfigReader::text_or_texts(const char* key, std::vector<std::string>& into) {
  const toml::node* node = find(key);
  if (node && node->is_string()) {
    into = {**node->as_string()};
  } else {
    texts(key, into);
  }
}

void ConfigReader::flag(const char* key, bool& into) {
  const toml::node* node = find(key);
  if (!node) return;
  if (!node->is_boolean()) return complain(*node, full(key) + " must be true or false");
  into = **node->as_boolean();
}

void ConfigReader::number(const char* key, std::int64_t low, std::int64_t high,
                          std::int64_t& into) {
  const toml::node* node = find(key);
  if (!node) return;
  const auto value = node->value_exact<std::int64_t>();
  if (!value || *value < low || *value > high) {
    return complain(*node, full(key) + " must be a whole number from " + std::to_string(low) +
                               " to " + std::to_string(high));
  }
  into = *value;
}

const toml::table* ConfigReader::section(const char* key) {
  const toml::node* node = find(key);
  if (node && !node->is_table()) complain(*node, full(key) + " must be a section");
  return node ? node->as_table() : nullptr;
}

void ConfigReader::each_text(const TakeText& take) {
  for (const auto& [key, node] : table_) {
    const std::string name(key.str());
    asked_.insert(name);
    if (!node.is_string()) {
      complain(node, full(name) + " must be a text");
    } else if (Status taken = take(name, **node.as_string()); !taken) {
      complain(node, full(name) + ": " + taken.error().message);
    }
  }
}

void ConfigReader::check(const char* key, const Status& status) {
  const toml::node* node = find(key);
  if (node && !status) complain(*node, full(key) + ": " + status.error().message);
}

void ConfigReader::refuse_others() {
  for (const auto& [key, node] : table_) {
    if (!asked_.count(key.str())) {
      complain(node, "unknown key '" + full(std::string(key.str())) + "'");
    }
  }
}

}  // namespace rolesync::agent
