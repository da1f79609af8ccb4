// SPDX-License-Identifier: Apache-2.0
// /api/schedules: syncs that start by themselves, and what came of them.
#include <nlohmann/json.hpp>

#include "host/values/names.hpp"
#include "server/api/api.hpp"
#include "server/api/audit.hpp"
#include "server/api/body.hpp"
#include "server/api/idempotent.hpp"
#include "server/api/list_query.hpp"
#include "server/api/rollout_fields.hpp"
#include "server/api/shapes.hpp"
#include "server/domain/schedule.hpp"
#include "server/rollout/wall_clock.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

constexpr std::size_t shown_runs = 5;

Json next_runs(const std::string& cron, const std::string& zone, std::size_t count) {
  Json times = Json::array();
  const auto parsed = domain::Cron::parse(cron);
  const auto place = domain::TimeZone::find(zone);
  if (!parsed || !place) return times;
  for (const Millis at : domain::preview(*parsed, *place, rollout::now_millis(), count)) {
    times.push_back(to_rfc3339(at));
  }
  return times;
}

Json schedule_json(const store::Schedule& schedule) {
  const auto options = parse_json(schedule.options);
  return {{"name", schedule.name},
          {"cron", schedule.cron},
          {"time_zone", schedule.time_zone},
          {"windows", schedule.windows},
          {"target_roles", schedule.roles},
          {"target_nodes", schedule.nodes},
          {"target_labels", schedule.labels},
          {"options", options ? *options : Json::object()},
          {"approval", schedule.approval},
          {"on_window_close", schedule.on_window_close},
          {"enabled", schedule.enabled},
          {"next_runs", schedule.enabled ? next_runs(schedule.cron, schedule.time_zone, shown_runs)
                                         : Json::array()},
          {"due_at", time_json(schedule.due_at)},
          {"outcome", text_or_null(schedule.outcome)},
          {"outcome_message", schedule.outcome_message},
          {"outcome_at", time_json(schedule.outcome_at)},
          {"last_plan_hash", text_or_null(schedule.last_plan)},
          {"last_job_id", text_or_null(schedule.last_job)},
          {"updated_by", schedule.updated_by},
          {"updated_at", to_rfc3339(schedule.updated_at)}};
}

std::string etag_of(const store::Schedule& schedule) {
  return "\"" + std::to_string(schedule.version) + "\"";
}

Result<store::Schedule> find(Api& api, const std::string& name) {
  return api.engine.store.read(
      [&](store::Session& session) { return store::find_schedule(session, name); });
}

Response answer(int status, const store::Schedule& schedule) {
  Response response = json_answer(status, schedule_json(schedule));
  response.headers["ETag"] = etag_of(schedule);
  if (status == 201) response.headers["Location"] = "/api/schedules/" + schedule.name;
  return response;
}

Response show(Api& api, const Request& request) {
  const auto schedule = find(api, request.parameters.at("name"));
  return schedule ? answer(200, *schedule) : refuse(schedule.error());
}

Response list(Api& api, const Request& request) {
  static const ListRules rules = rules_of(store::schedule_list(), "name", longest_page);
  const auto page = read_page(request, rules);
  if (!page) return refuse(page.error());
  const auto schedules =
      api.engine.store.read([&](store::Session& s) { return store::list_schedules(s, *page); });
  if (!schedules) return refuse(schedules.error());
  return json_answer(200, list_json("schedules", *page, *schedules, schedule_json));
}

void take_options(Fields& fields, store::Schedule& schedule) {
  Fields options = fields.object("options");
  Json json = {{"restart", options.word("restart", {"auto", "always", "never"})},
               {"first_install", options.word("first_install", {"refuse", "adopt", "overlay"})},
               {"on_stale", options.word("on_stale", {"skip", "refuse"})}};
  rollout::JobOptions job;
  take_rollout(options, job);
  json["on_failure"] = job.on_failure;
  if (Json how = rollout::to_json(job.rollout); !how.empty()) json["rollout"] = std::move(how);
  schedule.options = to_text(json);
  fields.close("options", options);
}

// Where in the body a fault of the timetable lies.
Status check_times(Fields& fields, const store::Schedule& schedule) {
  if (const auto cron = domain::Cron::parse(schedule.cron); !cron) {
    fields.fault("/cron", cron.error().message);
  }
  if (const auto zone = domain::TimeZone::find(schedule.time_zone); !zone) {
    fields.fault("/time_zone", zone.error().message);
  }
  for (std::size_t i = 0; i < schedule.windows.size(); ++i) {
    if (const auto window = domain::parse_window(schedule.windows[i]); !window) {
      fields.fault("/windows/" + std::to_string(i), window.error().message);
    }
  }
  return fields.finish();
}

Result<store::Schedule> from_body(const Request& request, const std::string& name) {
  const auto body = read_object(request);
  if (!body) return body.error();
  Fields fields(*body);
  store::Schedule schedule;
  schedule.name = name;
  if (fields.name("name", name) != name) fields.fault("/name", "differs from the path");
  schedule.cron = fields.required_text("cron");
  schedule.time_zone = fields.text("time_zone", "UTC");
  schedule.windows = fields.texts("windows").value_or(std::vector<std::string>{});
  schedule.roles = fields.names("target_roles").value_or(std::vector<std::string>{});
  schedule.nodes = fields.names("target_nodes").value_or(std::vector<std::string>{});
  schedule.labels = fields.labels("target_labels");
  take_options(fields, schedule);
  schedule.approval = fields.word("approval", {"automatic", "required"});
  schedule.on_window_close = fields.word("on_window_close", {"finish", "cancel"});
  schedule.enabled = fields.flag("enabled", true);
  if (Status valid = check_times(fields, schedule); !valid) return valid.error();
  schedule.updated_by = request.principal.name;
  schedule.updated_at = rollout::now_millis();
  return schedule;
}

Status check_roles(Api& api, const store::Schedule& schedule) {
  const auto catalog = api.engine.catalog.get();
  for (const std::string& role : schedule.roles) {
    if (catalog->find(role)) continue;
    return Error{ErrorKind::not_found, "unknown_role", "there is no role \"" + role + "\"",
                 "see GET /api/roles for the roles there are"};
  }
  return {};
}

Response save(Api& api, const Request& request, const store::Schedule& schedule,
              std::int64_t version) {
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    const auto saved = store::save_schedule(session, schedule, version);
    if (!saved) return saved.error();
    return audit(session, request, version == 0 ? "schedule.create" : "schedule.update",
                 "schedule/" + schedule.name, {{"cron", schedule.cron}});
  });
  if (!written) return refuse(written.error());
  api.engine.scheduler.changed();
  const auto now = find(api, schedule.name);
  return now ? answer(version == 0 ? 201 : 200, *now) : refuse(now.error());
}

Response replace(Api& api, const Request& request) {
  const std::string name = request.parameters.at("name");
  if (!is_name(name)) {
    return refuse({ErrorKind::invalid, "invalid_name",
                   "a schedule's name is lower-case letters, digits and '-', at most 63 characters",
                   "for example nightly-web"});
  }
  const auto before = find(api, name);
  if (Status match = check_match(request, before ? etag_of(*before) : ""); !match) {
    return refuse(match.error());
  }
  const auto schedule = from_body(request, name);
  if (!schedule) return refuse(schedule.error());
  if (Status known = check_roles(api, *schedule); !known) return refuse(known.error());
  return save(api, request, *schedule, before ? before->version : 0);
}

Response remove(Api& api, const Request& request) {
  const auto before = find(api, request.parameters.at("name"));
  if (!before) return refuse(before.error());
  if (Status match = check_match(request, etag_of(*before)); !match) return refuse(match.error());
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    if (Status gone = store::delete_schedule(session, before->name, before->version); !gone) {
      return gone;
    }
    return audit(session, request, "schedule.delete", "schedule/" + before->name, Json::object());
  });
  if (!written) return refuse(written.error());
  api.engine.scheduler.changed();
  return {204, {}, ""};
}

Response set_enabled(Api& api, const Request& request, bool enabled) {
  auto schedule = find(api, request.parameters.at("name"));
  if (!schedule) return refuse(schedule.error());
  if (schedule->enabled == enabled) return answer(200, *schedule);
  schedule->enabled = enabled;
  schedule->updated_by = request.principal.name;
  schedule->updated_at = rollout::now_millis();
  return save(api, request, *schedule, schedule->version);
}

Response run(Api& api, const Request& request) {
  const IdempotencyKey key(request);
  if (Status valid = key.check(); !valid) return refuse(valid.error());
  const auto kept = api.engine.store.read([&](store::Session& s) { return key.find(s); });
  if (!kept) return refuse(kept.error());
  if (*kept) return http::json_response((*kept)->status, (*kept)->body);
  const auto ran = api.engine.scheduler.run_now(request.parameters.at("name"),
                                                request.principal.name, request.id);
  if (!ran) return refuse(ran.error());
  Response response = answer(202, *ran);
  if (ran->outcome == "started") {
    response.headers["Location"] = "/api/sync-jobs/" + ran->last_job;
  }
  const Status written = api.engine.store.write([&](store::Session& session) -> Status {
    Status audited = audit(session, request, "schedule.run", "schedule/" + ran->name,
                           {{"outcome", ran->outcome}});
    return audited ? key.keep(session, 202, response.body) : audited;
  });
  return written ? response : refuse(written.error());
}

Response preview(const Request& request) {
  const auto text = [&](const char* name, const char* otherwise) {
    const auto found = request.query.find(name);
    return found == request.query.end() ? std::string(otherwise) : found->second;
  };
  const std::string cron = text("cron", ""), zone = text("time_zone", "UTC");
  const auto count = query_number(request, "count", static_cast<int>(shown_runs), 1, 100);
  if (!count) {
    return refuse({ErrorKind::invalid, "invalid_query", "count is a number from 1 to 100"});
  }
  store::Schedule asked;
  asked.cron = cron;
  asked.time_zone = zone;
  if (Status valid = rollout::check_timetable(asked); !valid) return refuse(valid.error());
  return json_answer(200, {{"cron", cron},
                           {"time_zone", zone},
                           {"next_runs", next_runs(cron, zone, static_cast<std::size_t>(*count))}});
}

}  // namespace

void add_schedule_routes(http::Router& router, Api& api) {
  using http::Policy;
  router.on("GET", "/api/schedules", Policy::scope("read"),
            [&api](const Request& request) { return list(api, request); });
  router.on("GET", "/api/schedules/{name}", Policy::scope("read"),
            [&api](const Request& request) { return show(api, request); });
  router.on("PUT", "/api/schedules/{name}", Policy::scope("admin"),
            [&api](const Request& request) { return replace(api, request); });
  router.on("DELETE", "/api/schedules/{name}", Policy::scope("admin"),
            [&api](const Request& request) { return remove(api, request); });
  router.on("POST", "/api/schedules/{name}/pause", Policy::scope("approve"),
            [&api](const Request& request) { return set_enabled(api, request, false); });
  router.on("POST", "/api/schedules/{name}/resume", Policy::scope("approve"),
            [&api](const Request& request) { return set_enabled(api, request, true); });
  router.on("POST", "/api/schedules/{name}/run", Policy::scope("approve"),
            [&api](const Request& request) { return run(api, request); });
  router.on("GET", "/api/schedule-preview", Policy::scope("read"),
            [](const Request& request) { return preview(request); });
}

}  // namespace rolesync::api
