// SPDX-License-Identifier: Apache-2.0
// /api/roles: effective roles, where their values come from, and changing them.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"
#include "host/values/names.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/idempotent.hpp"
#include "server/api/list_query.hpp"
#include "server/api/shapes.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/roles.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Error unknown_role(const std::string& name) {
  return {ErrorKind::not_found, "unknown_role", "there is no role \"" + name + "\"",
          "see GET /api/roles for the roles there are"};
}

Json parsed(const std::string& text) {
  if (text.empty()) return {};
  const auto json = parse_json(text);
  return json ? *json : Json();
}

Json role_json(const rollout::Engine& engine, const rollout::CatalogRole& role) {
  Json json = role.effective ? role_to_json(role.effective->role)
                             : Json{{"role_name", role.name}, {"display_name", role.name}};
  json["role_revision"] = role.effective ? role.effective->revision : "";
  json["provenance"] = role.effective ? Json(role.effective->provenance) : Json::object();
  json["plugin"] = role.spec.empty() ? Json() : Json(role.name);
  json["latest"] = latest_json(engine, role.name);
  json["error"] = role.error ? role.error->text() : "";
  return json;
}

std::string etag_of(const rollout::CatalogRole& role) {
  const std::string state = std::to_string(role.version) + role.spec + role.overrides;
  return "\"" + sha256_hex(state).substr(0, 24) + "\"";
}

Response role_answer(Api& api, int status, const std::string& name) {
  const auto catalog = api.engine.catalog.get();
  const rollout::CatalogRole* role = catalog->find(name);
  if (!role) return refuse(unknown_role(name));
  Response response = json_answer(status, role_json(api.engine, *role));
  response.headers["ETag"] = etag_of(*role);
  if (status == 201) response.headers["Location"] = "/api/roles/" + name;
  return response;
}

Response list(Api& api, const Request& request) {
  static const ListRules rules{{"order", "role_name"},
                               {{"sync_type"}, {"code_source", store::FilterColumn::Kind::name}},
                               "order",
                               longest_page};
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  const auto catalog = api.engine.catalog.get();
  std::vector<const rollout::CatalogRole*> roles;
  for (const auto& [name, role] : catalog->roles) {
    const Role shown = role.effective ? role.effective->role : Role();
    if (passes(*page, "sync_type",
               shown.sync_type == SyncType::package ? "package" : "component") &&
        passes(*page, "code_source", shown.code_source)) {
      roles.push_back(&role);
    }
  }
  const auto listed = page_of(std::move(roles), *page, [&](const rollout::CatalogRole* role) {
    const bool by_order = page->sort == "order" && role->effective;
    return store::PageKey{by_order ? sortable(role->effective->role.order) : sortable(0),
                          role->name};
  });
  return json_answer(200, list_json("roles", *page, listed, [&](const rollout::CatalogRole* role) {
                       return role_json(api.engine, *role);
                     }));
}

Response definitions(Api& api, const Request& request) {
  const auto catalog = api.engine.catalog.get();
  std::vector<std::string> assigned;
  if (request.principal.kind == http::Principal::Kind::node) {
    const auto node = api.engine.nodes.find(request.principal.id);
    if (node) assigned = api.engine.heartbeats.effective_roles(*node);
  }
  const std::string etag = catalog->etag(assigned);
  const std::string quoted = "\"" + etag + "\"";
  const auto known = request.headers.find("if-none-match");
  if (known != request.headers.end() && (known->second == quoted || known->second == etag)) {
    return {304, {{"ETag", quoted}}, ""};
  }
  // The definitions are text already; they are not parsed only to be written again.
  Response response =
      http::json_response(200, "{\"etag\":" + to_text(etag) + ",\"roles\":" + catalog->definitions +
                                   ",\"assigned\":" + to_text(assigned) + "}");
  response.headers["ETag"] = quoted;
  return response;
}

// The change must not make two roles own one path on a node where both count.
Status check_neighbours(Api& api, const Role& changed) {
  auto roles = api.engine.catalog.get()->usable;
  roles[changed.name] = changed;
  for (const auto& node : api.engine.nodes.all()) {
    std::set<std::string> here;
    for (const auto& role : domain::effective_roles(node->assigned, node->parts->reports, roles)) {
      here.insert(role.role);
    }
    if (!here.contains(changed.name)) continue;
    if (Status fits = domain::check_overlap(node->id, here, roles); !fits) return fits;
  }
  return {};
}

// Against the strategy's own schema, when it is here to be asked.
Status check_restart_options(Api& api, const Role& role) {
  const auto& registry = api.engine.registry;
  if (!registry.has("restart_strategy", role.restart_strategy)) return {};
  const Status fits =
      registry.check_options("restart_strategy", role.restart_strategy, role.restart_options);
  if (fits) return fits;
  Error error = fits.error();
  for (FieldError& field : error.fields) field.pointer = "/restart_options" + field.pointer;
  error.hint = "`rolesync plugin show` lists the options of " + role.restart_strategy;
  return error;
}

struct RoleChange {
  store::RoleOverride record;
  Role role;
  domain::EffectiveRole effective;
};

Result<RoleChange> prepare(Api& api, const std::string& name, const Json& wanted,
                           const rollout::CatalogRole* existing) {
  const Json spec = existing ? parsed(existing->spec) : Json();
  auto overrides = domain::overrides_for(name, spec, wanted, api.engine.catalog.defaults());
  if (!overrides) return overrides.error();
  const auto effective =
      domain::effective_role(name, spec, *overrides, api.engine.catalog.defaults());
  if (!effective) return effective.error();
  if (Status fits = check_restart_options(api, effective->role); !fits) return fits.error();
  if (Status fits = check_neighbours(api, effective->role); !fits) return fits.error();
  RoleChange change;
  change.role = effective->role;
  change.effective = *effective;
  change.record.role = name;
  change.record.fields = to_text(*overrides);
  change.record.custom = !spec.is_object();
  change.record.updated_at = rollout::now_millis();
  return change;
}

// Whether a strategy could run what its options say: only one that may start programs can, and of
// one that is not here nothing is known.
bool options_run_commands(Api& api, const Role& role) {
  if (role.restart_options.empty()) return false;
  for (const auto& info : api.engine.registry.plugins()) {
    for (const auto& provided : info.provides) {
      if (provided.kind != "restart_strategy" || provided.id != role.restart_strategy) continue;
      return std::any_of(provided.needs.begin(), provided.needs.end(), [](const auto& need) {
        return std::string_view(need).starts_with("process.");
      });
    }
  }
  return true;
}

// What a role runs on its nodes, as one comparable text; empty: nothing.
std::string runs(Api& api, const Role& role) {
  const Json json = role_to_json(role);
  Json what = Json::object();
  for (const NamedCommand& each : commands_of(role)) what[each.field] = json.at(each.field);
  if (options_run_commands(api, role)) {
    what["restart"] = {role.restart_strategy, role.restart_options};
  }
  return what.empty() ? "" : to_text(what);
}

// Whoever may change what runs on the machines needs more than the right to change roles.
Status check_commands(Api& api, const Request& request, const Role& role,
                      const rollout::CatalogRole* existing) {
  if (request.principal.has("role:command")) return {};
  const std::string wanted = runs(api, role);
  const bool same =
      existing && existing->effective && runs(api, existing->effective->role) == wanted;
  if (wanted.empty() || same) return {};
  return Error{ErrorKind::denied, "scope_missing",
               "a role with commands, or with options of a restart strategy that runs programs, "
               "needs the scope role:command",
               "leave them out, or ask somebody with that scope"};
}

Response create(Api& api, const Request& request) {
  const IdempotencyKey key(request);
  if (Status valid = key.check(); !valid) return refuse(valid.error());
  const auto kept =
      api.engine.store.read([&](store::Session& session) { return key.find(session); });
  if (!kept) return refuse(kept.error());
  if (*kept) return http::json_response((*kept)->status, (*kept)->body);

  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  const Json given = body->value("role_name", Json());
  const std::string name = given.is_string() ? given.get<std::string>() : "";
  if (!is_name(name)) {
    return refuse({ErrorKind::invalid,
                   "invalid_role",
                   "role_name must be lower-case letters, digits and '-', at most 63 characters",
                   "",
                   {{"/role_name", "is not a valid name"}}});
  }
  if (api.engine.catalog.get()->find(name)) {
    return refuse({ErrorKind::conflict, "role_exists", "there is a role " + name + " already",
                   "change it with PUT /api/roles/" + name});
  }
  auto change = prepare(api, name, *body, nullptr);
  if (!change) return refuse(change.error());
  if (Status allowed = check_commands(api, request, change->role, nullptr); !allowed) {
    return refuse(allowed.error());
  }
  change->record.updated_by = request.principal.name;
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    const auto saved = store::save_role_override(session, change->record, 0);
    if (!saved) return saved.error();
    Status audited = audit(session, request, "role.create", "role/" + name, *body);
    if (!audited) return audited;
    rollout::CatalogRole made;
    made.name = name;
    made.effective = change->effective;
    return key.keep(session, 201, to_text(role_json(api.engine, made)));
  });
  if (!written) return refuse(written.error());
  if (Status reloaded = api.engine.catalog.reload(false); !reloaded) {
    return refuse(reloaded.error());
  }
  return role_answer(api, 201, name);
}

Response replace(Api& api, const Request& request) {
  const std::string name = request.parameters.at("name");
  if (!is_name(name)) return refuse(unknown_role(name));
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  const auto catalog = api.engine.catalog.get();
  const rollout::CatalogRole* existing = catalog->find(name);
  if (Status match = check_match(request, existing ? etag_of(*existing) : ""); !match) {
    return refuse(match.error());
  }
  auto change = prepare(api, name, *body, existing);
  if (!change) return refuse(change.error());
  if (Status allowed = check_commands(api, request, change->role, existing); !allowed) {
    return refuse(allowed.error());
  }
  change->record.updated_by = request.principal.name;
  const std::int64_t version = existing ? existing->version : 0;
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    const auto saved = store::save_role_override(session, change->record, version);
    if (!saved) return saved.error();
    return audit(session, request, "role.update", "role/" + name, *body);
  });
  if (!written) return refuse(written.error());
  if (Status reloaded = api.engine.catalog.reload(false); !reloaded) {
    return refuse(reloaded.error());
  }
  return role_answer(api, existing ? 200 : 201, name);
}

Status check_unused(Api& api, const std::string& name) {
  for (const auto& node : api.engine.nodes.all()) {
    if (!node->assigned.roles.contains(name)) continue;
    return Error{ErrorKind::conflict, "role_in_use",
                 "role " + name + " is assigned to node " + node->id,
                 "unassign it everywhere first"};
  }
  return {};
}

Response remove(Api& api, const Request& request) {
  const std::string name = request.parameters.at("name");
  const auto catalog = api.engine.catalog.get();
  const rollout::CatalogRole* existing = catalog->find(name);
  if (!existing) return refuse(unknown_role(name));
  if (Status match = check_match(request, etag_of(*existing)); !match) {
    return refuse(match.error());
  }
  if (existing->spec.empty()) {
    if (Status unused = check_unused(api, name); !unused) return refuse(unused.error());
  }
  if (existing->version > 0) {
    const Status written = api.engine.store.write([&](store::Session& session) -> Status {
      if (Status gone = store::delete_role_override(session, name, existing->version); !gone) {
        return gone;
      }
      return audit(session, request, "role.delete", "role/" + name, Json::object());
    });
    if (!written) return refuse(written.error());
    if (Status reloaded = api.engine.catalog.reload(false); !reloaded) {
      return refuse(reloaded.error());
    }
  }
  return {204, {}, ""};
}

}  // namespace

void add_role_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/roles", Policy::scope("read"),
            [&api](const Request& request) { return list(api, request); });
  router.on("POST", "/api/roles", Policy::scope("admin"),
            [&api](const Request& request) { return create(api, request); });
  router.on("GET", "/api/roles/definitions", Policy::any_node(),
            [&api](const Request& request) { return definitions(api, request); });
  router.on("GET", "/api/roles/{name}", Policy::scope("read"), [&api](const Request& request) {
    return role_answer(api, 200, request.parameters.at("name"));
  });
  router.on("PUT", "/api/roles/{name}", Policy::scope("admin").on_role(),
            [&api](const Request& request) { return replace(api, request); });
  router.on("DELETE", "/api/roles/{name}", Policy::scope("admin").on_role(),
            [&api](const Request& request) { return remove(api, request); });
}

}  // namespace rolesync::api
