// SPDX-License-Identifier: Apache-2.0
#include "host/cli/marks.hpp"

#include <set>

namespace rolesync::cli {

Cell marked(const std::string& word) {
  static const std::set<std::string> good = {"current", "active",    "healthy", "online",
                                             "ready",   "succeeded", "idle"};
  static const std::set<std::string> bad = {"failing", "offline",     "failed",
                                            "revoked", "quarantined", "rollback_failed"};
  static const std::set<std::string> warn = {
      "outdated", "drifted",       "orphaned",    "restart_pending", "late",        "inactive",
      "draining", "partly_failed", "rolled_back", "cancelled",       "rolling_back"};
  if (word.empty()) return {"-", Style::dim};
  if (good.count(word)) return {word, Style::good};
  if (bad.count(word)) return {word, Style::bad};
  if (warn.count(word)) return {word, Style::warn};
  if (word == "unknown" || word == "not_installed") return {word, Style::dim};
  return {word};
}

}  // namespace rolesync::cli
