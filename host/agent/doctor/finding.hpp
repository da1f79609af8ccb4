// SPDX-License-Identifier: Apache-2.0
// What one check of the doctor has found, and how findings are shown. Pure; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync::agent::doctor {

enum class Level { ok, warn, fail };

struct Finding {
  std::string check;  // "server.certificate"
  Level level = Level::ok;
  std::string reason;   // empty when all is well
  std::string message;  // what was seen
  std::string hint;     // what to do
};
using Findings = std::vector<Finding>;

Finding fine(std::string check, std::string message);
Finding warning(std::string check, std::string reason, std::string message, std::string hint);
Finding failure(std::string check, std::string reason, std::string message, std::string hint);
Finding failure(std::string check, const Error& error);

bool any_failed(const Findings& findings);
// For people: one line each, what to do beneath what is not well, and a last line that counts.
std::string to_table(const Findings& findings);
// {"ok": true, "checks": [{"check", "level", "reason", "message", "hint"}]}
std::string to_json_text(const Findings& findings);

}  // namespace rolesync::agent::doctor
