// SPDX-License-Identifier: Apache-2.0
// One thing that `rolesync plugin check` looks at. A check runs alone, in a process of its own
// unless a person wants to debug it: it may crash and hang as it likes. Checks are plain data; the
// order of all_checks() goes from harmless (reads the file) to risky (throws nonsense at it).
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace rolesync::plugin_check {

class Subject;

struct Outcome {
  enum class State { passed, failed, skipped };
  State state = State::passed;
  std::string detail;  // what was seen, one sentence; empty when passed
};

inline Outcome passed() {
  return {};
}
inline Outcome failed(std::string detail) {
  return {Outcome::State::failed, std::move(detail)};
}
// There is nothing to look at in this plugin.
inline Outcome skipped(std::string detail) {
  return {Outcome::State::skipped, std::move(detail)};
}

struct Check {
  const char* id;     // "RS101"; never given to another check
  const char* title;  // what holds when it passes
  const char* why;    // what goes wrong otherwise
  const char* fix;
  Outcome (*run)(Subject&);
  bool gate = false;  // when it fails, what comes after cannot be looked at
  std::chrono::seconds limit{20};
};

const std::vector<Check>& all_checks();
const Check* find_check(std::string_view id);

const char* to_word(Outcome::State state);  // passed, failed, skipped

}  // namespace rolesync::plugin_check
