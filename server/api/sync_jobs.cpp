// SPDX-License-Identifier: Apache-2.0
// /api/sync-jobs: what was run, what is running, and calling it off.
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/list_query.hpp"
#include "server/api/restriction.hpp"
#include "server/api/shapes.hpp"
#include "server/rollout/approvals.hpp"
#include "server/store/plans.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;
using rollout::JobAction;

constexpr std::size_t longest_comment = 500;

struct ListedJob {
  store::SyncJob job;
  std::vector<store::SyncTask> tasks;
};

Response list(Api& api, const Request& request) {
  static const ListRules rules = rules_of(store::job_list(), "-created_at", 50);
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  const auto jobs =
      api.engine.store.read([&](store::Session& session) -> Result<store::Listed<ListedJob>> {
        auto found = store::list_jobs(session, *page);
        if (!found) return found.error();
        store::Listed<ListedJob> listed{{}, std::move(found->next)};
        for (auto& job : found->items) {
          auto tasks = store::tasks_of_job(session, job.id);
          if (!tasks) return tasks.error();
          listed.items.push_back({std::move(job), std::move(*tasks)});
        }
        return listed;
      });
  if (!jobs) return refuse(jobs.error());
  return json_answer(200, list_json("jobs", *page, *jobs, [](const ListedJob& listed) {
                       return job_json(listed.job, listed.tasks);
                     }));
}

Result<Json> whole_job(Api& api, const std::string& id) {
  return api.engine.store.read([&](store::Session& session) -> Result<Json> {
    const auto job = store::find_job(session, id);
    if (!job) return job.error();
    const auto tasks = store::tasks_of_job(session, id);
    if (!tasks) return tasks.error();
    Json json = job_json(*job, *tasks);
    json["tasks"] = Json::array();
    for (const auto& task : *tasks) {
      const auto events = store::events_of_task(session, task.id);
      if (!events) return events.error();
      json["tasks"].push_back(task_json(task, *events));
    }
    const auto approvals = store::approvals_of(session, id);
    if (!approvals) return approvals.error();
    json["approvals"] = Json::array();
    for (const auto& each : *approvals) {
      json["approvals"].push_back({{"by", each.approved_by},
                                   {"comment", each.comment},
                                   {"at", to_rfc3339(each.approved_at)}});
    }
    return json;
  });
}

Response job_answer(Api& api, int status, const std::string& id) {
  const auto job = whole_job(api, id);
  return job ? json_answer(status, *job) : refuse(job.error());
}

// A job that waits has no tasks yet, but says what it is about.
Status check_own_tasks(Api& api, const http::Principal& who, const std::string& id) {
  if (!who.restricted()) return {};
  return api.engine.store.read([&](store::Session& session) -> Status {
    const auto job = store::find_job(session, id);
    if (!job) return job.error();
    const auto tasks = store::tasks_of_job(session, id);
    if (!tasks) return tasks.error();
    for (const store::SyncTask& task : *tasks) {
      if (Status own = check_own(who, task.node, task.role); !own) return own;
    }
    const rollout::Approvals waiting = rollout::approvals_from_text(job->progress);
    for (const std::string& node : waiting.nodes) {
      for (const std::string& role : waiting.roles) {
        if (Status own = check_own(who, node, role); !own) return own;
      }
    }
    return {};
  });
}

void tell(Api& api, const Request& request, const std::string& id, const char* state,
          const std::string& what) {
  api.engine.events.publish({.type = "job_changed",
                             .message = request.principal.name + " " + what + " " + id,
                             .job = id,
                             .state = state,
                             .request_id = request.id});
}

bool waits(Api& api, const std::string& id) {
  const auto job = api.engine.store.read([&](store::Session& s) { return store::find_job(s, id); });
  return job && job->state == "awaiting_approval";
}

Response approve(Api& api, const Request& request) {
  const std::string id = request.parameters.at("id");
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const std::string comment = fields.text("comment");
  if (comment.size() > longest_comment) fields.fault("/comment", "has more than 500 characters");
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  if (Status own = check_own_tasks(api, request.principal, id); !own) return refuse(own.error());
  const auto approved = api.engine.desk.approve(id, {request.principal.name, comment, request.id});
  if (!approved) return refuse(approved.error());
  tell(api, request, id, approved->waits ? "awaiting_approval" : "pending", "approved");
  if (!approved->waits) {
    // The job is durable; if it cannot be begun now, the next start of the server resumes it.
    if (Status begun = api.engine.runner.begin(id); !begun) return refuse(begun.error());
  }
  return job_answer(api, 202, id);
}

// What an operator wants of a job that runs; kept in the audit log.
Response act(Api& api, const Request& request, const char* word, const JobAction& action) {
  const std::string id = request.parameters.at("id");
  if (Status own = check_own_tasks(api, request.principal, id); !own) return refuse(own.error());
  const bool waiting = action.kind == JobAction::Kind::cancel && waits(api, id);
  Status taken =
      waiting ? api.engine.desk.withdraw(id, "cancelled", {request.principal.name, "", request.id})
              : api.engine.runner.act(id, action);
  if (!taken) return refuse(taken.error());
  if (waiting) tell(api, request, id, "cancelled", "cancelled");
  Json details = Json::object();
  if (!action.node.empty()) details["node"] = action.node;
  Status audited = api.engine.store.write([&](store::Session& session) {
    return audit(session, request, std::string("job.") + word, "job/" + id, details);
  });
  return audited ? job_answer(api, 202, id) : refuse(audited.error());
}

Response act_plainly(Api& api, const Request& request, const char* word, JobAction::Kind kind) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  return act(api, request, word, {kind, ""});
}

Response skip(Api& api, const Request& request) {
  const auto body = read_object(request);
  if (!body) return refuse(body.error());
  Fields fields(*body);
  const std::string node = fields.required_text("node");
  if (Status valid = fields.finish(); !valid) return refuse(valid.error());
  return act(api, request, "skip", {JobAction::Kind::skip, node});
}

}  // namespace

void add_sync_job_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/sync-jobs", Policy::scope("read"),
            [&api](const Request& request) { return list(api, request); });
  router.on("GET", "/api/sync-jobs/{id}", Policy::scope("read"), [&api](const Request& request) {
    return job_answer(api, 200, request.parameters.at("id"));
  });
  const auto on_action = [&](const char* word, const char* scope, JobAction::Kind kind) {
    router.on("POST", std::string("/api/sync-jobs/{id}/") + word,
              Policy::scope(scope).checked_inside(), [&api, word, kind](const Request& request) {
                return act_plainly(api, request, word, kind);
              });
  };
  on_action("cancel", "sync", JobAction::Kind::cancel);
  on_action("pause", "sync", JobAction::Kind::pause);
  on_action("resume", "approve", JobAction::Kind::resume);
  on_action("promote", "approve", JobAction::Kind::promote);
  router.on("POST", "/api/sync-jobs/{id}/approve", Policy::scope("approve").checked_inside(),
            [&api](const Request& request) { return approve(api, request); });
  router.on("POST", "/api/sync-jobs/{id}/skip", Policy::scope("sync").checked_inside(),
            [&api](const Request& request) { return skip(api, request); });
}

}  // namespace rolesync::api
