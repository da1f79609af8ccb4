// SPDX-License-Identifier: Apache-2.0
#include "host/agent/heartbeat_body.hpp"

#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"

namespace rolesync::agent {

std::string HeartbeatBody::write(const Json& head,
                                 const std::map<std::string, std::string>& parts) {
  std::string body = to_text(head);
  body.pop_back();  // the closing brace
  sent_.clear();
  for (const auto& [name, text] : parts) {
    const std::string hash = sha256_hex(text);
    auto seen = seen_.find(name);
    body.append(",\"").append(name);
    if (seen != seen_.end() && seen->second == hash) {
      body.append("_hash\":\"").append(hash).append("\"");
    } else {
      body.append("\":").append(text);
    }
    sent_[name] = hash;
  }
  return body + "}";
}

void HeartbeatBody::delivered() {
  for (const auto& [name, hash] : sent_) seen_[name] = hash;
  sent_.clear();
}

void HeartbeatBody::resend(const std::vector<std::string>& parts) {
  for (const std::string& part : parts) seen_.erase(part);
}

}  // namespace rolesync::agent
