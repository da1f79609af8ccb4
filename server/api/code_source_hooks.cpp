// SPDX-License-Identifier: Apache-2.0
// /api/code-source/hook and /api/code-source/webhook: the secrets with which commits are announced.
// Each is shown once, and the one before stops working.
#include <nlohmann/json.hpp>

#include "host/services/durable_file.hpp"
#include "host/values/secret.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/source/hook.hpp"
#include "server/store/sources.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

using Change = std::function<void(store::CodeSource&)>;

Status change_source(Api& api, const Request& request, const std::string& name,
                     const std::string& action, const Json& details, const Change& change) {
  return api.engine.store.write([&](store::Session& session) -> Status {
    auto source = store::find_source(session, name);
    if (!source) return source.error();
    change(*source);
    source->updated_at = rollout::now_millis();
    const auto saved = store::save_source(session, *source, std::nullopt);
    if (!saved) return saved.error();
    return audit(session, request, action, "source/" + name, details);
  });
}

// A new secret in a file of the secrets directory.
Result<std::string> new_secret(Api& api, const std::string& file) {
  std::string secret = random_hex(32);
  const auto path = api.options.secrets_dir / file;
  if (Status kept = write_durably(path.string(), secret, 0600); !kept) return kept.error();
  return secret;
}

Status check_known(Api& api, const std::string& name) {
  const auto known =
      api.engine.store.read([&](store::Session& s) { return store::find_source(s, name); });
  return known ? Status{} : Status{known.error()};
}

Response make_hook(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  source::HookOptions options;
  options.source = fields.name("source", "main");
  options.server_url = fields.required_text("server_url");
  options.key_file = fields.required_text("key_file");
  options.ca_file = fields.text("ca_file");
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  if (Status known = check_known(api, options.source); !known) return refuse(known.error());
  const auto script = source::hook_script(options);
  if (!script) return refuse(script.error());

  const std::string file = "hook-" + options.source + ".key";
  const auto key = new_secret(api, file);
  if (!key) return refuse(key.error());
  const Status written =
      change_source(api, request, options.source, "code_source.hook", Json::object(),
                    [&](store::CodeSource& source) { source.hook_key = file; });
  if (!written) return refuse(written.error());
  Json names = Json::array();
  for (const char* name : source::hook_names) names.push_back(name);
  return json_answer(201, {{"source", options.source},
                           {"script", *script},
                           {"key", *key},
                           {"hooks", names},
                           {"notify_path", "/api/code-source/notify"}});
}

Response make_webhook(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const std::string name = fields.name("source", "main");
  const std::string kind = fields.word("kind", {"github", "gitlab", "gitea"});
  if (!fields.has("kind")) fields.fault("/kind", "is required");
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  if (Status known = check_known(api, name); !known) return refuse(known.error());
  const std::string file = "webhook-" + name + ".key";
  const auto secret = new_secret(api, file);
  if (!secret) return refuse(secret.error());
  const Status written = change_source(api, request, name, "code_source.webhook", {{"kind", kind}},
                                       [&](store::CodeSource& source) {
                                         source.webhook_kind = kind;
                                         source.webhook_key = file;
                                       });
  if (!written) return refuse(written.error());
  return json_answer(201, {{"source", name},
                           {"kind", kind},
                           {"secret", *secret},
                           {"path", "/api/code-source/webhooks/" + name},
                           {"content_type", "application/json"}});
}

}  // namespace

void add_code_hook_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("POST", "/api/code-source/hook", Policy::scope("admin"),
            [&api](const Request& request) { return make_hook(api, request); });
  router.on("POST", "/api/code-source/webhook", Policy::scope("admin"),
            [&api](const Request& request) { return make_webhook(api, request); });
}

}  // namespace rolesync::api
