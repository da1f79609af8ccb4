// SPDX-License-Identifier: Apache-2.0
#include "host/agent/heartbeat_body.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "host/values/hash.hpp"

namespace rolesync::agent {

namespace {

// What has to be set in `before` to get `now`; null for what is gone. Nothing when they are not
// two objects.
std::optional<Json> changed_members(const std::string& before, const std::string& now) {
  const Result<Json> old = parse_json(before);
  const Result<Json> wanted = parse_json(now);
  if (!old || !wanted || !old->is_object() || !wanted->is_object()) return std::nullopt;
  Json changes = Json::object();
  for (const auto& [name, value] : wanted->items()) {
    const auto known = old->find(name);
    if (known == old->end() || *known != value) changes[name] = value;
  }
  for (const auto& [name, value] : old->items()) {
    if (!wanted->contains(name)) changes[name] = nullptr;
  }
  return changes;
}

}  // namespace

std::string HeartbeatBody::write(const Json& head,
                                 const std::map<std::string, std::string>& parts) {
  std::string body = to_text(head);
  body.pop_back();  // the closing brace
  sent_.clear();
  for (const auto& [name, text] : parts) {
    const std::string hash = sha256_hex(text);
    const auto seen = seen_.find(name);
    const bool known = seen != seen_.end();
    const bool by_role = name == "role_report";
    const bool same = known && seen->second.hash == hash;
    const auto changes =
        known && !same && by_role ? changed_members(seen->second.text, text) : std::nullopt;
    if (changes) body.append(",\"").append(name).append("_changes\":").append(to_text(*changes));
    body.append(",\"").append(name);
    if (changes || same) {
      body.append("_hash\":\"").append(hash).append("\"");
    } else {
      body.append("\":").append(text);
    }
    sent_[name] = {hash, by_role ? text : ""};
  }
  return body + "}";
}

void HeartbeatBody::delivered() {
  for (auto& [name, part] : sent_) seen_[name] = std::move(part);
  sent_.clear();
}

void HeartbeatBody::resend(const std::vector<std::string>& parts) {
  for (const std::string& part : parts) seen_.erase(part);
}

}  // namespace rolesync::agent
