// SPDX-License-Identifier: Apache-2.0
// Reads one TOML table strictly: every key is asked for by name, and what nobody asked for is
// refused with its line. Start-up only.
#pragma once
#include <toml++/toml.h>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync::agent {

class ConfigReader {
 public:
  ConfigReader(const toml::table& table, std::string file, std::string section,
               std::string& problem)
      : table_(table), file_(std::move(file)), section_(std::move(section)), problem_(problem) {}

  void text(const char* key, std::string& into);
  void texts(const char* key, std::vector<std::string>& into);
  void text_or_texts(const char* key, std::vector<std::string>& into);
  void flag(const char* key, bool& into);
  void number(const char* key, std::int64_t low, std::int64_t high, std::int64_t& into);
  const toml::table* section(const char* key);
  // "file:line" of a key that is there; noted in `places` under its full name.
  void note_place(const char* key, std::map<std::string, std::string>& places) const;
  // Whether a key is there at all.
  bool has(const char* key) const { return table_.contains(key); }
  // All of a table's keys are its user's own; each value is a text.
  using TakeText = std::function<Status(const std::string& key, const std::string& value)>;
  void each_text(const TakeText& take);
  // For what only the user of the value can check.
  void check(const char* key, const Status& status);
  void refuse_others();

 private:
  const toml::node* find(const char* key);
  void complain(const toml::node& node, const std::string& what);
  std::string full(const std::string& key) const;

  const toml::table& table_;
  std::string file_, section_;
  std::string& problem_;  // the first one
  std::set<std::string, std::less<>> asked_;
};

}  // namespace rolesync::agent
