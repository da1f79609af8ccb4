// SPDX-License-Identifier: Apache-2.0
// Writes the body of a heartbeat: parts that the server has seen already go as their hash, and of
// the role report only the roles that differ (docs/protocol.md). One thread.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/values/json.hpp"

namespace rolesync::agent {

class HeartbeatBody {
 public:
  // `parts`: compact JSON text by name. `head`: the fields that are always sent.
  std::string write(const Json& head, const std::map<std::string, std::string>& parts);
  // The server has taken the body written last.
  void delivered();
  // It wants these parts again (or all of them).
  void resend(const std::vector<std::string>& parts);
  void resend_all() { seen_.clear(); }

 private:
  struct Part {
    std::string hash, text;
  };
  std::map<std::string, Part> seen_, sent_;
};

}  // namespace rolesync::agent
