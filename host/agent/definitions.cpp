// SPDX-License-Identifier: Apache-2.0
#include "host/agent/definitions.hpp"

#include <nlohmann/json.hpp>

#include "host/agent/log.hpp"
#include "host/services/durable_file.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {

DefinitionStore::DefinitionStore(const AgentConfig& config)
    : config_(config),
      file_(config.state_dir + "/definitions.json"),
      current_(std::make_shared<Definitions>()) {
  Result<std::optional<std::string>> text = read_if_there(file_);
  if (!text || !text->has_value()) return;
  if (Status taken = take(**text); !taken) {
    log_event(LogLevel::warning, "definitions.damaged", {{"detail", taken.error().text()}});
  }
}

std::shared_ptr<const Definitions> DefinitionStore::current() const {
  std::lock_guard lock(mutex_);
  return current_;
}

Status DefinitionStore::take(const std::string& text) {
  Result<Json> json = parse_json(text, {16 << 20, 64});
  if (!json) return json.error();
  if (!json->is_object() || !json->contains("roles") || !(*json)["roles"].is_array()) {
    return Error{ErrorKind::failed, "protocol_error", "the role definitions are not understood"};
  }
  auto taken = std::make_shared<Definitions>();
  if (auto etag = json->find("etag"); etag != json->end() && etag->is_string()) {
    taken->etag = etag->get<std::string>();
  }
  for (Json object : (*json)["roles"]) {
    if (object.is_object()) object.erase("role_revision");  // of the definition, not part of it
    Result<Role> role = role_from_json(object);
    Status complete = role ? apply_defaults(*role, config_.role_defaults) : Status(role.error());
    if (complete) {
      taken->roles.push_back(config_.localized(std::move(*role)));
    } else {
      log_event(LogLevel::error, "definitions.role_refused", {{"detail", complete.error().text()}});
    }
  }
  if (auto assigned = json->find("assigned"); assigned != json->end() && assigned->is_array()) {
    for (const Json& name : *assigned) {
      if (name.is_string()) taken->assigned.insert(name.get<std::string>());
    }
  }
  std::lock_guard lock(mutex_);
  current_ = std::move(taken);
  return {};
}

Status DefinitionStore::refresh(LinkClient& client) {
  HttpRequest request;
  request.path = "/api/roles/definitions";
  const std::string etag = current()->etag;
  if (!etag.empty()) {
    request.headers["If-None-Match"] = etag.front() == '"' ? etag : "\"" + etag + "\"";
  }
  Result<HttpAnswer> answer = client.send(request);
  if (!answer) return answer.error();
  if (answer->status == 304) return {};
  if (answer->status != 200) return error_from_answer(*answer);
  if (Status taken = take(answer->body); !taken) return taken;
  return write_durably(file_, answer->body);
}

}  // namespace rolesync::agent
