// SPDX-License-Identifier: Apache-2.0
// The small values that plugins and host exchange, as C++ types. Plain data; any thread.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace rolesync {
inline namespace sdk1 {

using Json = nlohmann::json;
using Value = std::variant<bool, std::int64_t, std::string>;
using Values = std::map<std::string, Value>;
using Options = std::map<std::string, std::string>;

// Why a call did not work; the same numbers as rs_status.
enum class Code { invalid = 1, not_found, unsupported, transient, cancelled, failed };

// Thrown by plugin code and by Host; becomes a status and an error object at the boundary.
class Error : public std::runtime_error {
 public:
  // reason: snake_case, for machines. message: one sentence. hint: what to do, or empty.
  Error(Code code, std::string reason, const std::string& message, std::string hint = {})
      : std::runtime_error(message),
        code_(code),
        reason_(std::move(reason)),
        hint_(std::move(hint)) {}
  Code code() const { return code_; }
  const std::string& reason() const { return reason_; }
  const std::string& hint() const { return hint_; }

 private:
  Code code_;
  std::string reason_, hint_;
};

// What a plugin usually wants to know about the role it works for.
struct RoleData {
  std::string name;
  std::vector<std::string> source_paths;
  std::string target_path;
  std::string service;  // unit name without ".service"; empty: none
  std::optional<int> port;
  std::string health_path;
  Options restart_options;
};

// State of whatever runs a role. waiting: nothing runs now, but it is started when it is needed, as
// by a socket or a timer. finished: it has run to its end, as it should, and works without running.
enum class Running { running, stopped, failed, unknown, waiting, finished };
struct ServiceStatus {
  Running state = Running::unknown;
  std::optional<std::string> started_at;  // RFC 3339
  std::string detail;                     // for people
  std::string reason;                     // why it is so, snake_case; empty: nothing special
};

}  // namespace sdk1
}  // namespace rolesync
