// SPDX-License-Identifier: Apache-2.0
// /api/code-source and /api/code-sources: where commits come from.
#include <nlohmann/json.hpp>

#include "host/values/names.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/code_source_node.hpp"
#include "server/api/shapes.hpp"
#include "server/rollout/wall_clock.hpp"
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
  const auto poll = fields.number("poll_seconds", 0, 86'400);
  if (poll && *poll > 0 && *poll < 5) fields.fault("/poll_seconds", "must be 0 or at least 5");
  const auto before = find(api, source.name);
  source.poll_seconds = poll ? *poll : before ? before->poll_seconds : source.poll_seconds;
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

// What is set in other places: keys and signers.
void keep_the_rest(store::CodeSource& source, const store::CodeSource& before) {
  source.hook_key = before.hook_key;
  source.webhook_kind = before.webhook_kind;
  source.webhook_key = before.webhook_key;
  source.require_signed = before.require_signed;
  source.allowed_signers = before.allowed_signers;
  source.gpg_keys = before.gpg_keys;
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
    if (before) keep_the_rest(*source, *before);
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

Response list(Api& api) {
  const auto sources =
      api.engine.store.read([](store::Session& s) { return store::list_sources(s); });
  if (!sources) return refuse(sources.error());
  Json items = Json::array();
  for (const auto& source : *sources) items.push_back(source_json(api.engine, source));
  return json_answer(200, {{"sources", items}});
}

Status check_unused(Api& api, const std::string& name) {
  const auto catalog = api.engine.catalog.get();
  for (const auto& [role, definition] : catalog->usable) {
    if (definition.code_source == name && !definition.source_paths.empty()) {
      return Error{ErrorKind::conflict, "code_source_in_use",
                   "role " + role + " takes its files from code source " + name,
                   "give the role another code_source first"};
    }
  }
  return {};
}

// Its commits stay in the history; its mirror stays for the releases that nodes keep.
Response remove(Api& api, const Request& request) {
  const std::string& name = request.parameters.at("name");
  if (Status unused = check_unused(api, name); !unused) return refuse(unused.error());
  std::vector<AssignedRoles> assigned;
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    const auto before = store::find_source(session, name);
    if (!before) return before.error();
    if (Status match = check_match(request, etag_of(*before)); !match) return match;
    auto moved = move_source_role(session, api, name, before->node_id, "", request.principal.name);
    if (!moved) return moved.error();
    assigned = std::move(*moved);
    if (Status gone = store::delete_source(session, name); !gone) return gone;
    return audit(session, request, "code_source.remove", "source/" + name, Json::object());
  });
  if (!written) return refuse(written.error());
  std::error_code ignored;
  for (const char* secret : {"hook-", "webhook-"}) {
    std::filesystem::remove(api.options.secrets_dir / (secret + name + ".key"), ignored);
  }
  tell_assigned(api, assigned, request.id);
  return {204, {}, ""};
}

}  // namespace

void add_code_source_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/code-source", Policy::scope("read"),
            [&api](const Request& request) { return source_answer(api, source_name(request)); });
  router.on("PUT", "/api/code-source", Policy::scope("admin"),
            [&api](const Request& request) { return set(api, request); });
  router.on("GET", "/api/code-sources", Policy::scope("read"),
            [&api](const Request&) { return list(api); });
  router.on("DELETE", "/api/code-sources/{name}", Policy::scope("admin"),
            [&api](const Request& request) { return remove(api, request); });
}

}  // namespace rolesync::api
