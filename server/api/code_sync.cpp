// SPDX-License-Identifier: Apache-2.0
// /api/code-sync: fetch, plan, and run a plan.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/idempotent.hpp"
#include "server/api/restriction.hpp"
#include "server/api/rollout_fields.hpp"
#include "server/api/shapes.hpp"
#include "server/domain/plan_json.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/plans.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

constexpr std::chrono::seconds longest_pull{150};
constexpr int shown_commits = 50;

Json pull_json(const rollout::PullReport& report) {
  Json outdated = Json::array(), errors = Json::array();
  for (const auto& role : report.outdated) {
    outdated.push_back({{"role_name", role.role}, {"nodes", role.nodes}});
  }
  for (const auto& [role, error] : report.errors) {
    errors.push_back({{"role_name", role}, {"reason", error.reason}, {"detail", error.message}});
  }
  return {{"source", report.source},
          {"commit", text_or_null(report.commit)},
          {"changed", report.changed},
          {"outdated", outdated},
          {"errors", errors}};
}

void pull(Api& api, const Request& request, const std::shared_ptr<http::Reply>& reply) {
  const auto body = read_object(request);
  if (!body) return reply->send(refuse(body.error()));
  Fields fields(*body);
  const std::string name = fields.name("source", "main");
  if (Status valid = fields.finish(); !valid) return reply->send(refuse(valid.error()));
  const auto source =
      api.engine.store.read([&](store::Session& s) { return store::find_source(s, name); });
  if (!source) return reply->send(refuse(source.error()));
  if (source->transport == "agent") {
    const auto node = api.engine.nodes.find(source->node_id);
    if (!node || node->presence != "online") {
      return reply->send(refuse({ErrorKind::unavailable, "node_offline",
                                 "node " + source->node_id + ", which holds the repository, is " +
                                     (node ? node->presence : "gone"),
                                 "start its agent"}));
    }
  }
  reply->send_after(longest_pull, refuse({ErrorKind::timeout, "pull_running",
                                          "the pull has not finished in time and goes on",
                                          "watch GET /api/code-source"}));
  api.engine.intake.pull(name, [reply](const Result<rollout::PullReport>& report) {
    reply->send(report ? json_answer(200, pull_json(*report)) : refuse(report.error()));
  });
}

Result<rollout::PlanRequest> plan_request(Fields& fields) {
  rollout::PlanRequest plan;
  plan.roles = fields.texts("roles");  // an odd name is an unknown role, said by the planner
  plan.nodes = fields.texts("nodes");
  plan.commit = fields.commit("commit");
  plan.options.first_install = fields.word("first_install", {"refuse", "adopt", "overlay"});
  plan.options.restart = fields.word("restart", {"auto", "always", "never"});
  if (Status valid = fields.finish(); !valid) return valid.error();
  return plan;
}

// The freezes that would keep rows of the plan from running now.
Json freezes_of(Api& api, const std::vector<domain::PlanRow>& rows) {
  Json list = Json::array();
  const auto freezes = api.engine.desk.freezes(rollout::now_millis());
  if (!freezes) return list;
  for (const domain::Freeze& freeze : *freezes) {
    const auto held = std::count_if(rows.begin(), rows.end(), [&](const domain::PlanRow& row) {
      return row.acts() && api.engine.desk.holds(freeze, row, rollout::now_millis());
    });
    if (held == 0) continue;
    list.push_back({{"id", freeze.id},
                    {"reason", freeze.reason},
                    {"ends_at", time_json(freeze.ends_at)},
                    {"rows", held}});
  }
  return list;
}

// What would be deployed again although it broke an earlier rollout.
Json held_of(Api& api, const std::vector<domain::PlanRow>& rows) {
  Json list = Json::array();
  const auto held =
      api.engine.store.read([](store::Session& s) { return store::held_contents(s); });
  if (!held) return list;
  for (const store::HeldContent& each : *held) {
    const bool meant = std::any_of(rows.begin(), rows.end(), [&](const domain::PlanRow& row) {
      return row.acts() && row.role == each.role && row.to.content_id == each.content_id;
    });
    if (meant) list.push_back(held_json(each));
  }
  return list;
}

struct MadePlan {
  Json json;
  std::string hash;
};

Result<MadePlan> make_plan(Api& api, const Request& request, const rollout::PlanRequest& asked) {
  const auto kept = api.engine.plans.make(asked, request.principal.name, request.id);
  if (!kept) return kept.error();
  MadePlan made{domain::to_json(kept->plan), kept->plan.hash};
  made.json["created_at"] = to_rfc3339(kept->created_at);
  made.json["freezes"] = freezes_of(api, kept->plan.rows);
  made.json["held"] = held_of(api, kept->plan.rows);
  return made;
}

// Commits between what nodes have and what they would get, newest first, one source.
Json commits_of(Api& api, const Json& rows) {
  std::set<std::string> from, to;
  for (const Json& row : rows) {
    const Json& old = row["from"];
    if (old.is_object() && old["commit"].is_string()) from.insert(old["commit"]);
    if (row["to"]["commit"].is_string()) to.insert(row["to"]["commit"]);
  }
  Json commits = Json::array();
  const auto listed = api.engine.store.read(
      [&](store::Session& s) { return store::list_commits(s, "main", 0, shown_commits); });
  if (!listed || from.empty()) return commits;
  bool inside = false;
  std::size_t oldest_left = from.size();
  for (const auto& commit : *listed) {
    if (to.contains(commit.commit)) inside = true;
    if (from.contains(commit.commit) && --oldest_left == 0) break;
    if (inside) commits.push_back(commit_json(commit));
  }
  return commits;
}

Response plan(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const auto asked = plan_request(fields);
  if (!asked) return refuse(asked.error());
  auto made = make_plan(api, request, *asked);
  if (!made) return refuse(made.error());
  made->json["commits"] = commits_of(api, made->json["rows"]);
  return json_answer(200, made->json);
}

// Syncing in spite of a freeze takes the right to approve, and a reason for the audit log.
Status check_override(const Request& request, const rollout::JobOptions& options) {
  if (options.override_freeze.empty() || request.principal.has("approve")) return {};
  return Error{ErrorKind::denied, "scope_missing",
               "a sync in spite of a freeze needs the scope approve",
               "wait for the end of the freeze, or ask somebody with that scope"};
}

// A token that is restricted runs plans about its own nodes and roles only.
Status check_rows(Api& api, const http::Principal& who, const std::string& plan_hash) {
  if (!who.restricted() || plan_hash.empty()) return {};  // empty: answered before
  const auto plan = api.engine.store.read(
      [&](store::Session& session) { return store::find_plan(session, plan_hash); });
  if (!plan) return plan.error();
  const auto json = parse_json(plan->plan, {256 << 20, 64});
  if (!json) return json.error();
  const auto rows = domain::plan_rows_from_json(*json);
  if (!rows) return rows.error();
  for (const domain::PlanRow& row : *rows) {
    if (!row.acts()) continue;
    if (Status own = check_own(who, row.node, row.role); !own) return own;
  }
  return {};
}

Response start(Api& api, const Request& request, rollout::JobOrder order) {
  const IdempotencyKey key(request);
  if (Status valid = key.check(); !valid) return refuse(valid.error());
  if (Status allowed = check_override(request, order.options); !allowed) {
    return refuse(allowed.error());
  }
  if (Status own = check_rows(api, request.principal, order.plan_hash); !own) {
    return refuse(own.error());
  }
  std::string answer;
  order.requested_by = request.principal.name;
  order.request_id = request.id;
  order.earlier = key.earlier(answer, "job_id");
  order.keep = [&](store::Session& session, const store::SyncJob& job,
                   const std::vector<store::SyncTask>& tasks) {
    answer = to_text(job_json(job, tasks));
    return key.keep(session, 202, answer);
  };
  const auto opened = api.engine.desk.open(order);
  if (!opened) return refuse(opened.error());
  if (opened->waits) {
    api.engine.events.publish({.type = "job_changed",
                               .message = opened->job_id + " waits for approval",
                               .job = opened->job_id,
                               .state = "awaiting_approval",
                               .request_id = request.id});
  } else if (opened->is_new) {
    // The job is durable; if it cannot be begun now, the next start of the server resumes it.
    if (Status begun = api.engine.runner.begin(opened->job_id); !begun) {
      return refuse(begun.error());
    }
  }
  Response response = http::json_response(202, answer);
  response.headers["Location"] = "/api/sync-jobs/" + opened->job_id;
  return response;
}

rollout::JobOptions job_options(Fields& fields) {
  rollout::JobOptions options;
  options.on_stale = fields.word("on_stale", {"refuse", "skip"});
  take_rollout(fields, options);
  options.override_freeze = fields.text("override_freeze");
  return options;
}

Response sync(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  rollout::JobOrder order;
  order.plan_hash = fields.required_text("plan_hash");
  order.options = job_options(fields);
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  return start(api, request, std::move(order));
}

Status check_approval(const Request& request, bool approve) {
  if (!request.principal.has("approve")) {
    return Error{ErrorKind::denied, "scope_missing",
                 "a sync without plan_hash approves its own plan and needs the scope approve",
                 "plan first, and sync that plan by its hash"};
  }
  if (approve) return {};
  return Error{ErrorKind::invalid,
               "approval_missing",
               "a sync without plan_hash must say approve: true",
               "plan first, or approve in this request",
               {{"/approve", "must be true without plan_hash"}}};
}

// The seed's call: with a hash exactly that plan, without one plan and approval in one step.
Response sync_role(Api& api, const Request& request) {
  const std::string role = request.parameters.at("role");
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  if (!api.engine.catalog.get()->find(role)) {
    return refuse({ErrorKind::not_found, "unknown_role", "there is no role \"" + role + "\"",
                   "see GET /api/roles for the roles there are"});
  }
  Fields fields(*body);
  rollout::JobOrder order;
  order.plan_hash = fields.text("plan_hash");
  order.only_roles = std::set<std::string>{role};
  order.options = job_options(fields);
  const bool approve = fields.flag("approve");
  auto asked = plan_request(fields);
  if (!asked) return refuse(asked.error());
  if (asked->roles) fields.fault("/roles", "is given by the path");
  for (const char* field : {"nodes", "commit", "first_install", "restart"}) {
    if (!order.plan_hash.empty() && fields.has(field)) {
      fields.fault(std::string("/") + field, "is decided by the plan");
    }
  }
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  if (order.plan_hash.empty()) {
    if (Status allowed = check_approval(request, approve); !allowed) {
      return refuse(allowed.error());
    }
    const IdempotencyKey key(request);
    const auto kept = api.engine.store.read([&](store::Session& s) { return key.find(s); });
    if (!kept) return refuse(kept.error());
    if (!*kept) {
      asked->roles = std::vector<std::string>{role};
      const auto made = make_plan(api, request, *asked);
      if (!made) return refuse(made.error());
      order.plan_hash = made->hash;
    }
  }
  return start(api, request, std::move(order));
}

}  // namespace

void add_code_sync_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on_waiting("POST", "/api/code-sync/pull", Policy::scope("sync"),
                    [&api](const Request& request, const std::shared_ptr<http::Reply>& reply) {
                      pull(api, request, reply);
                    });
  router.on("POST", "/api/code-sync/plan", Policy::scope("read").checked_inside(),
            [&api](const Request& request) { return plan(api, request); });
  router.on("POST", "/api/code-sync/sync", Policy::scope("sync").checked_inside(),
            [&api](const Request& request) { return sync(api, request); });
  router.on("POST", "/api/code-sync/roles/{role}/sync", Policy::scope("sync").checked_inside(),
            [&api](const Request& request) { return sync_role(api, request); });
}

}  // namespace rolesync::api
