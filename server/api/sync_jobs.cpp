// SPDX-License-Identifier: Apache-2.0
// /api/sync-jobs: what was run, what is running, and calling it off.
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/list_query.hpp"
#include "server/api/restriction.hpp"
#include "server/api/shapes.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;
using rollout::JobAction;

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
    return json;
  });
}

Response job_answer(Api& api, int status, const std::string& id) {
  const auto job = whole_job(api, id);
  return job ? json_answer(status, *job) : refuse(job.error());
}

Status check_own_tasks(Api& api, const http::Principal& who, const std::string& job) {
  if (!who.restricted()) return {};
  const auto tasks =
      api.engine.store.read([&](store::Session& s) { return store::tasks_of_job(s, job); });
  if (!tasks) return tasks.error();
  for (const store::SyncTask& task : *tasks) {
    if (Status own = check_own(who, task.node, task.role); !own) return own;
  }
  return {};
}

// What an operator wants of a job that runs; kept in the audit log.
Response act(Api& api, const Request& request, const char* word, const JobAction& action) {
  const std::string id = request.parameters.at("id");
  if (Status own = check_own_tasks(api, request.principal, id); !own) return refuse(own.error());
  if (Status taken = api.engine.runner.act(id, action); !taken) return refuse(taken.error());
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
  router.on("POST", "/api/sync-jobs/{id}/skip", Policy::scope("sync").checked_inside(),
            [&api](const Request& request) { return skip(api, request); });
}

}  // namespace rolesync::api
