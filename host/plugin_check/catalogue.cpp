// SPDX-License-Identifier: Apache-2.0
#include "host/plugin_check/families.hpp"

namespace rolesync::plugin_check {

const std::vector<Check>& all_checks() {
  static const std::vector<Check> checks = [] {
    std::vector<Check> all;
    for (const auto family : {file_checks, load_checks, descriptor_checks, call_checks,
                              hostile_checks, life_checks, role_checks}) {
      for (const Check& check : family()) all.push_back(check);
    }
    return all;
  }();
  return checks;
}

const Check* find_check(std::string_view id) {
  for (const Check& check : all_checks()) {
    if (check.id == id) return &check;
  }
  return nullptr;
}

const char* to_word(Outcome::State state) {
  switch (state) {
    case Outcome::State::passed:
      return "passed";
    case Outcome::State::failed:
      return "failed";
    case Outcome::State::skipped:
      return "skipped";
  }
  return "";
}

}  // namespace rolesync::plugin_check
