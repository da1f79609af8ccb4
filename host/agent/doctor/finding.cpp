// SPDX-License-Identifier: Apache-2.0
#include "host/agent/doctor/finding.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/json.hpp"

namespace rolesync::agent::doctor {
namespace {

const char* word(Level level) {
  switch (level) {
    case Level::ok:
      return "ok";
    case Level::warn:
      return "warn";
    case Level::fail:
      return "fail";
  }
  return "fail";
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

std::string counted(std::ptrdiff_t count, const char* what) {
  return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

std::ptrdiff_t count(const Findings& findings, Level level) {
  return std::count_if(findings.begin(), findings.end(),
                       [&](const Finding& each) { return each.level == level; });
}

}  // namespace

Finding fine(std::string check, std::string message) {
  return {std::move(check), Level::ok, "", std::move(message), ""};
}

Finding warning(std::string check, std::string reason, std::string message, std::string hint) {
  return {std::move(check), Level::warn, std::move(reason), std::move(message), std::move(hint)};
}

Finding failure(std::string check, std::string reason, std::string message, std::string hint) {
  return {std::move(check), Level::fail, std::move(reason), std::move(message), std::move(hint)};
}

Finding failure(std::string check, const Error& error) {
  return {std::move(check), Level::fail, error.reason, error.message, error.hint};
}

bool any_failed(const Findings& findings) {
  return count(findings, Level::fail) > 0;
}

std::string to_table(const Findings& findings) {
  std::size_t width = 0;
  for (const Finding& each : findings) width = std::max(width, each.check.size());
  std::string text;
  for (const Finding& each : findings) {
    text += padded(word(each.level), 6) + padded(each.check, width + 2);
    if (!each.reason.empty()) text += each.reason + ": ";
    text += each.message + '\n';
    if (!each.hint.empty()) text += std::string(width + 8, ' ') + "-> " + each.hint + '\n';
  }
  return text + counted(count(findings, Level::ok), "check") + " ok, " +
         counted(count(findings, Level::warn), "warning") + ", " +
         counted(count(findings, Level::fail), "failure") + '\n';
}

std::string to_json_text(const Findings& findings) {
  Json checks = Json::array();
  for (const Finding& each : findings) {
    checks.push_back({{"check", each.check},
                      {"level", word(each.level)},
                      {"reason", each.reason},
                      {"message", each.message},
                      {"hint", each.hint}});
  }
  return to_text(Json{{"ok", !any_failed(findings)}, {"checks", std::move(checks)}});
}

}  // namespace rolesync::agent::doctor
