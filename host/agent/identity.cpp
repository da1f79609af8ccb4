// SPDX-License-Identifier: Apache-2.0
#include "host/agent/identity.hpp"

#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "host/agent/credential.hpp"
#include "host/agent/version.hpp"
#include "host/services/clock.hpp"
#include "host/services/durable_file.hpp"
#include "host/services/machine.hpp"
#include "host/values/json.hpp"
#include "host/values/names.hpp"

namespace rolesync::agent {
namespace {

std::string identity_path(const AgentConfig& config) {
  return config.state_dir + "/identity.json";
}

bool is_hex(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Status write_identity(const AgentConfig& config, const std::string& url, const JoinToken& token,
                      const Json& answer) {
  if (!answer.is_object() || !answer.contains("node_id") || !answer["node_id"].is_string() ||
      !answer.contains("credential") || !answer["credential"].is_string()) {
    return Error{ErrorKind::failed, "protocol_error", "the server's answer to join is not valid"};
  }
  if (Status made = make_directories(config.state_dir); !made) return made;
  // First the identity: a running agent takes the new credential as soon as it is there.
  const Json identity{{"node_id", answer["node_id"]},
                      {"url", url},
                      {"certificate_sha256", token.certificate_sha256}};
  if (Status written = write_durably(identity_path(config), to_text(identity) + "\n", 0600);
      !written) {
    return written;
  }
  return Credential::replace(config, answer["credential"].get<std::string>());
}

}  // namespace

Result<JoinToken> parse_join_token(const std::string& text) {
  const std::size_t first = text.find('.');
  const std::size_t last = text.rfind('.');
  const std::string secret =
      first == std::string::npos || last <= first ? "" : text.substr(first + 1, last - first - 1);
  const std::string fingerprint = last == std::string::npos ? "" : text.substr(last + 1);
  if (text.rfind("rsj.", 0) != 0 || !is_hex(secret) ||
      (fingerprint != "-" && (!is_hex(fingerprint) || fingerprint.size() != 64))) {
    return Error{ErrorKind::invalid, "invalid_token", "that is not a join token",
                 "make one on the server; it reads rsj.<secret>.<fingerprint>"};
  }
  return JoinToken{text, fingerprint == "-" ? "" : fingerprint};
}

Status join(const AgentConfig& config, const std::string& url, const std::string& token_text) {
  Result<JoinToken> token = parse_join_token(token_text);
  if (!token) return token.error();
  if (!is_name(config.node_id)) {
    return Error{ErrorKind::invalid, "invalid_config", "'" + config.node_id + "' is not a node id",
                 "give --node-id: a-z, 0-9 and '-', at most 63"};
  }
  const ServerAddress address{url, token->certificate_sha256, config.ca_file};
  Result<std::unique_ptr<HttpClient>> client = HttpClient::create(address, "");
  if (!client) return client.error();
  HttpRequest request;
  request.method = "POST";
  request.path = "/api/join";
  request.headers["Content-Type"] = "application/json";
  request.body = to_text({{"token", token->text},
                          {"node_id", config.node_id},
                          {"agent_version", kAgentVersion},
                          {"hostname", os_info().hostname},
                          {"boot_id", real_clock().boot_id()}});
  Result<HttpAnswer> answer = (*client)->send(request);
  if (!answer) return answer.error();
  if (answer->status != 201) return error_from_answer(*answer);
  Result<Json> body = parse_json(answer->body);
  if (!body) return body.error();
  return write_identity(config, url, *token, *body);
}

Status apply_identity(AgentConfig& config) {
  Result<std::optional<std::string>> text = read_if_there(identity_path(config));
  if (!text) return text.error();
  if (!text->has_value()) return {};
  Result<Json> identity = parse_json(**text);
  if (!identity || !identity->is_object()) {
    return Error{ErrorKind::invalid, "identity_damaged", identity_path(config) + " is not readable",
                 "join again with a new token"};
  }
  const auto fill = [&](std::string& value, const char* key) {
    if (value.empty()) value = identity->value(key, "");
  };
  fill(config.node_id, "node_id");
  std::string url;
  fill(url, "url");
  if (config.server_urls.empty() && !url.empty()) config.server_urls = {url};
  if (config.ca_file.empty()) fill(config.certificate_sha256, "certificate_sha256");
  return {};
}

}  // namespace rolesync::agent
