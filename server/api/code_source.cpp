// SPDX-License-Identifier: Apache-2.0
// /api/code-source: where commits come from, the hook that tells about them, and its notifications.
// A notification deploys nothing and fetches nothing while it is answered.
#include <nlohmann/json.hpp>

#include "host/services/durable_file.hpp"
#include "host/values/hash.hpp"
#include "host/values/names.hpp"
#include "host/values/secret.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/code_source_node.hpp"
#include "server/api/shapes.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/source/hook.hpp"
#include "server/source/notification.hpp"
#include "server/store/sources.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

std::string source_name(const Request& request) {
  const auto it = request.query.find("source");
  return it == request.query.end() ? "main" : it->second;
}

Result<store::CodeSource> find(Api& api, const std::string& name) {
  return api.engine.store.read([&](store::Session& s) { return store::find_source(s, name); });
}

std::string etag_of(const store::CodeSource& source) {
  return "\"" + std::to_string(source.version) + "\"";
}

Response source_answer(Api& api, const std::string& name) {
  const auto source = find(api, name);
  if (!source) return refuse(source.error());
  Response response = json_answer(200, source_json(api.engine, *source));
  response.headers["ETag"] = etag_of(*source);
  return response;
}

bool is_absolute(const std::string& path) {
  return path.size() > 1 && path.front() == '/' && path.find('\0') == std::string::npos &&
         path.size() <= 4096 && (path + "/").find("/../") == std::string::npos;
}

Result<store::CodeSource> source_from(Api& api, const Json& body) {
  Fields fields(body);
  store::CodeSource source;
  source.name = fields.name("name", "main");
  source.transport = fields.word("transport", {"agent", "file"});
  source.node_id = fields.text("node_id");
  source.repository = fields.required_text("repository");
  source.branch = fields.text("branch", "main");
  if (!source.repository.empty() && !is_absolute(source.repository)) {
    fields.fault("/repository", "must be an absolute path without \"..\"");
  }
  if (!is_branch(source.branch)) fields.fault("/branch", "is not a branch name");
  if (source.transport == "agent" && source.node_id.empty()) {
    fields.fault("/node_id", "is required for transport agent");
  }
  if (source.transport == "file" && !source.node_id.empty()) {
    fields.fault("/node_id", "has no meaning for transport file");
  }
  if (Status valid = fields.finish(); !valid) return valid.error();
  if (!source.node_id.empty() && !api.engine.nodes.find(source.node_id)) {
    return Error{ErrorKind::not_found, "unknown_node",
                 "there is no node \"" + source.node_id + "\"", "let it join first"};
  }
  return source;
}

Response set(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  auto source = source_from(api, *body);
  if (!source) return refuse(source.error());
  std::vector<AssignedRoles> assigned;
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    const auto before = store::find_source(session, source->name);
    if (!before && before.error().kind != ErrorKind::not_found) return before.error();
    if (Status match = check_match(request, before ? etag_of(*before) : ""); !match) return match;
    if (before) source->hook_key = before->hook_key;
    source->updated_at = rollout::now_millis();
    const auto saved = store::save_source(session, *source, std::nullopt);
    if (!saved) return saved.error();
    auto moved = move_source_role(session, api, source->name, before ? before->node_id : "",
                                  source->node_id, request.principal.name);
    if (!moved) return moved.error();
    assigned = std::move(*moved);
    return audit(session, request, "code_source.set", "source/" + source->name, *body);
  });
  if (!written) return refuse(written.error());
  tell_assigned(api, assigned, request.id);
  return source_answer(api, source->name);
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
  const auto known = find(api, options.source);
  if (!known) return refuse(known.error());
  const auto script = source::hook_script(options);
  if (!script) return refuse(script.error());

  const std::string key = random_hex(32);
  const std::string file = "hook-" + options.source + ".key";
  const auto path = api.options.secrets_dir / file;
  if (Status kept = write_durably(path.string(), key, 0600); !kept) return refuse(kept.error());
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    auto source = store::find_source(session, options.source);
    if (!source) return source.error();
    source->hook_key = file;
    source->updated_at = rollout::now_millis();
    const auto saved = store::save_source(session, *source, std::nullopt);
    if (!saved) return saved.error();
    return audit(session, request, "code_source.hook", "source/" + options.source, Json::object());
  });
  if (!written) return refuse(written.error());
  Json names = Json::array();
  for (const char* name : source::hook_names) names.push_back(name);
  return json_answer(201, {{"source", options.source},
                           {"script", *script},
                           {"key", key},
                           {"hooks", names},
                           {"notify_path", "/api/code-source/notify"}});
}

// Whatever is wrong with the sender gets the same answer as a wrong signature.
Result<store::CodeSource> authenticate(Api& api, const Request& request, Millis now) {
  const Error wrong{ErrorKind::unauthenticated, "signature_wrong",
                    "the notification is not signed with the key of a known source",
                    "install the hook again with: rolesync source install-hook"};
  const auto headers = source::notify_headers(request.headers);
  if (!headers) return headers.error();
  if (!is_name(headers->source)) return wrong;
  const auto known = find(api, headers->source);
  if (!known) return known.error().kind == ErrorKind::not_found ? wrong : known.error();
  if (known->hook_key.empty()) return wrong;
  const auto key = read_if_there((api.options.secrets_dir / known->hook_key).string());
  if (!key) return key.error();
  if (!*key) return wrong;
  if (Status valid = source::verify_notification(*headers, request.body, **key, now); !valid) {
    return valid.error();
  }
  const Status fresh = api.engine.store.write([&](store::Session& session) {
    return store::use_nonce(session, known->name, headers->nonce, now,
                            now - 2 * source::notify_window);
  });
  if (!fresh) return fresh.error();
  return *known;
}

struct Verdict {
  std::string state, reason;
};

Verdict judge(const store::CodeSource& source, const source::Notification& said) {
  if (!said.branch) return {"ignored", "not_a_branch"};
  if (*said.branch != source.branch) return {"ignored", "other_branch"};
  if (said.new_commit.empty()) return {"ignored", "branch_deleted"};
  if (said.new_commit == source.head_commit) return {"known", "already_imported"};
  return {"queued", ""};
}

Response notify(Api& api, const Request& request) {
  const Millis now = rollout::now_millis();
  const auto source = authenticate(api, request, now);
  if (!source) return refuse(source.error());
  const auto said = source::parse_notification(request.body);
  if (!said) return refuse(said.error());
  const Verdict verdict = judge(*source, *said);
  if (verdict.state == "queued") {
    api.engine.events.publish({.type = "commit_received",
                               .message = "source " + source->name + ": " +
                                          said->message.substr(0, said->message.find('\n')),
                               .source = source->name,
                               .commit = said->new_commit,
                               .request_id = request.id});
    api.engine.intake.pull(source->name);
  }
  return json_answer(202, {{"commit", text_or_null(said->new_commit)},
                           {"state", verdict.state},
                           {"reason", verdict.reason}});
}

}  // namespace

void add_code_source_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/code-source", Policy::scope("read"),
            [&api](const Request& request) { return source_answer(api, source_name(request)); });
  router.on("PUT", "/api/code-source", Policy::scope("admin"),
            [&api](const Request& request) { return set(api, request); });
  router.on("POST", "/api/code-source/hook", Policy::scope("admin"),
            [&api](const Request& request) { return make_hook(api, request); });
  router.on("POST", "/api/code-source/notify", Policy::signature(),
            [&api](const Request& request) { return notify(api, request); });
}

}  // namespace rolesync::api
