// SPDX-License-Identifier: Apache-2.0
// /api/sync-tasks: the parts of jobs, over all jobs, and one with what it said.
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/list_query.hpp"
#include "server/api/shapes.hpp"
#include "server/store/jobs.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

Json without_steps(const store::SyncTask& task) {
  Json json = task_json(task, {});
  json.erase("steps");
  json.erase("saved");
  return json;
}

Response list(Api& api, const Request& request) {
  static const ListRules rules = rules_of(store::task_list(), "-created_at");
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  const auto tasks =
      api.engine.store.read([&](store::Session& s) { return store::list_tasks(s, *page); });
  if (!tasks) return refuse(tasks.error());
  return json_answer(200, list_json("tasks", *page, *tasks, without_steps));
}

Response show(Api& api, const Request& request) {
  const auto json = api.engine.store.read([&](store::Session& session) -> Result<Json> {
    const auto task = store::find_task(session, request.parameters.at("id"));
    if (!task) return task.error();
    const auto events = store::events_of_task(session, task->id);
    if (!events) return events.error();
    return task_json(*task, *events);
  });
  return json ? json_answer(200, *json) : refuse(json.error());
}

}  // namespace

void add_task_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/sync-tasks", Policy::scope("read"),
            [&api](const Request& request) { return list(api, request); });
  router.on("GET", "/api/sync-tasks/{id}", Policy::scope("read"),
            [&api](const Request& request) { return show(api, request); });
}

}  // namespace rolesync::api
