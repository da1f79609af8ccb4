// SPDX-License-Identifier: Apache-2.0
// GoogleTest matchers for what plugins answer and ask, and words for failures:
//   EXPECT_THAT(detector.detect(role, facts), IsActive());
//   EXPECT_THAT(host, AskedFor("service.restart"));
//   EXPECT_THAT([&] { strategy.start(role); }, ReportsError("unit_missing"));
#pragma once
#include <gmock/gmock.h>

#include <ostream>
#include <rolesync/testing/plugin.hpp>
#include <string>

namespace rolesync {
inline namespace sdk1 {

// GoogleTest finds these by argument.
void PrintTo(const Detection& detection, std::ostream* out);
void PrintTo(const ServiceStatus& status, std::ostream* out);

}  // namespace sdk1

namespace testing {

void PrintTo(const FakeHost& host, std::ostream* out);

// Of a Detection.
MATCHER(IsActive, "") {
  return arg.state == State::active;
}
MATCHER(IsInactive, "") {
  return arg.state == State::inactive;
}
MATCHER(IsNotInstalled, "") {
  return arg.state == State::not_installed;
}
MATCHER(IsHealthy, "") {
  return arg.health == Health::healthy;
}
MATCHER(IsFailing, "") {
  return arg.health == Health::failing;
}
MATCHER_P(HasReason, reason, "") {
  return arg.reason == reason;
}

// Of a ServiceStatus.
MATCHER(IsRunning, "") {
  return arg.state == Running::running;
}
MATCHER(IsStopped, "") {
  return arg.state == Running::stopped;
}
MATCHER(HasFailed, "") {
  return arg.state == Running::failed;
}

// Of a FakeHost.
MATCHER(WasAskedNothing, "") {
  return arg.asked().empty();
}
MATCHER_P(AskedFor, service, "") {
  for (const Asked& asked : arg.asked()) {
    if (asked.service == service) return true;
  }
  return false;
}
// `text` occurs in a request to that service: a word of its JSON, such as "\"unit\":\"web\"".
MATCHER_P2(AskedFor, service, text, "") {
  for (const Asked& asked : arg.asked()) {
    if (asked.service == service && asked.request.find(text) != std::string::npos) return true;
  }
  return false;
}

// Of something to call, which must throw rolesync::Error with that reason.
MATCHER_P(ReportsError, reason, "") {
  try {
    arg();
  } catch (const Error& error) {
    *result_listener << "which reports " << error.reason() << ": " << error.what();
    return error.reason() == reason;
  }
  *result_listener << "which reports no error";
  return false;
}

}  // namespace testing
}  // namespace rolesync
