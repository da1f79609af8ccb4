// SPDX-License-Identifier: Apache-2.0
// How values look in the message of a failed test. No GoogleTest in here: the library is built
// once, whichever GoogleTest the plugin's author has.
#include <nlohmann/json.hpp>
#include <ostream>
#include <rolesync/testing/plugin.hpp>

#include "fields.hpp"

namespace rolesync {
inline namespace sdk1 {

void PrintTo(const Detection& detection, std::ostream* out) {
  static const char* const states[] = {"active", "inactive", "not_installed", "unknown"};
  static const char* const healths[] = {"healthy", "failing", "unknown"};
  *out << states[static_cast<int>(detection.state)] << ", "
       << healths[static_cast<int>(detection.health)];
  if (!detection.reason.empty()) *out << ", reason " << detection.reason;
  if (!detection.evidence.empty()) *out << ", evidence " << fields::to_json(detection.evidence);
}

void PrintTo(const ServiceStatus& status, std::ostream* out) {
  *out << fields::to_json(status);
}

}  // namespace sdk1

namespace testing {

void PrintTo(const FakeHost& host, std::ostream* out) {
  *out << "a host that was asked";
  if (host.asked().empty()) *out << " nothing";
  for (const Asked& asked : host.asked()) *out << "\n  " << asked.service << " " << asked.request;
}

}  // namespace testing
}  // namespace rolesync
