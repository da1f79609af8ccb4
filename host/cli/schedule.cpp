// SPDX-License-Identifier: Apache-2.0
// `rolesync schedule list|show|set|apply|preview|run|pause|resume|remove`.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/json_input.hpp"
#include "host/cli/label_words.hpp"
#include "host/cli/rollout_options.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

struct ScheduleOptions {
  std::string name, file, cron, time_zone = "UTC", approval, on_window_close, restart,
                                first_install;
  RolloutOptions rollout;
  std::vector<std::string> windows, roles, nodes, labels;
  int count = 5;
};

std::string path_of(const std::string& name) {
  return "/api/schedules/" + encoded(name);
}

std::string targets(const Json& schedule) {
  std::vector<std::string> parts;
  const auto add = [&](const char* what, const std::string& words) {
    if (!words.empty()) parts.push_back(std::string(what) + " " + words);
  };
  add("roles", joined(texts_of(schedule, "target_roles")));
  add("nodes", joined(texts_of(schedule, "target_nodes")));
  add("labels", label_words(object_of(schedule, "target_labels")));
  return parts.empty() ? "everything" : joined(parts, "; ");
}

Cell outcome_cell(const Json& schedule) {
  const std::string outcome = text_of(schedule, "outcome");
  if (outcome.empty()) return {"-"};
  const bool good = outcome == "started" || outcome == "nothing_to_do";
  return {outcome, good ? Style::good : outcome == "failed" ? Style::bad : Style::warn};
}

int list_schedules(Session& session) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto list = (*api)->get_list("/api/schedules", "schedules");
  if (!list) return session.fail(list.error());
  if (session.json()) return session.print(*list), kOk;
  const Json& schedules = array_of(*list, "schedules");
  Table table({"SCHEDULE", "CRON", "ZONE", "WHAT", "NEXT", "LAST"});
  for (const Json& schedule : schedules) {
    const auto next = texts_of(schedule, "next_runs");
    table.add({text_of(schedule, "name"), text_of(schedule, "cron"), text_of(schedule, "time_zone"),
               targets(schedule),
               !flag_of(schedule, "enabled") ? Cell("paused", Style::dim)
               : next.empty()                ? Cell("never", Style::warn)
                                             : Cell(next.front()),
               outcome_cell(schedule)});
  }
  session.print(table);
  if (schedules.empty()) {
    session.say("no schedules; make one:  rolesync schedule set nightly --cron '30 2 * * *'");
  }
  return kOk;
}

int show(Session& session, const Json& schedule) {
  if (session.json()) return session.print(schedule), kOk;
  Table table({"FIELD", "VALUE"});
  for (const char* field : {"name", "cron", "time_zone", "approval", "on_window_close"}) {
    table.add({field, text_of(schedule, field)});
  }
  table.add({"windows", joined(texts_of(schedule, "windows"))});
  table.add({"what", targets(schedule)});
  table.add({"enabled", flag_of(schedule, "enabled") ? "yes" : "no, paused"});
  table.add({"next runs", joined(texts_of(schedule, "next_runs"))});
  table.add({"last", outcome_cell(schedule)});
  table.add({"", text_of(schedule, "outcome_message")});
  table.add({"last job", text_of(schedule, "last_job_id")});
  session.print(table);
  return kOk;
}

int show_schedule(Session& session, const ScheduleOptions& options) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto schedule = (*api)->get(path_of(options.name));
  return schedule ? show(session, *schedule) : session.fail(schedule.error());
}

int put_schedule(Session& session, const std::string& name, const Json& body) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto schedule = (*api)->put(path_of(name), body);
  return schedule ? show(session, *schedule) : session.fail(schedule.error());
}

int set_schedule(Session& session, const ScheduleOptions& options) {
  auto labels = labels_from_words(options.labels);
  if (!labels) return session.fail(labels.error());
  Json body{{"cron", options.cron},          {"time_zone", options.time_zone},
            {"windows", options.windows},    {"target_roles", options.roles},
            {"target_nodes", options.nodes}, {"target_labels", *labels}};
  if (!options.approval.empty()) body["approval"] = options.approval;
  if (!options.on_window_close.empty()) body["on_window_close"] = options.on_window_close;
  Json sync = Json::object();
  if (!options.restart.empty()) sync["restart"] = options.restart;
  if (!options.first_install.empty()) sync["first_install"] = options.first_install;
  if (Status said = say_rollout(options.rollout, sync); !said) return session.fail(said.error());
  body["options"] = std::move(sync);
  return put_schedule(session, options.name, body);
}

int apply_schedule(Session& session, const ScheduleOptions& options) {
  auto schedule = read_json_input(options.file);
  if (!schedule) return session.fail(schedule.error());
  const std::string name = text_of(*schedule, "name");
  if (name.empty()) {
    return session.fail({ErrorKind::invalid, "usage", options.file + " names no schedule",
                         "it needs at least {\"name\": \"...\", \"cron\": \"...\"}"});
  }
  return put_schedule(session, name, *schedule);
}

int preview(Session& session, const ScheduleOptions& options) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto times = (*api)->get("/api/schedule-preview?cron=" + encoded(options.cron) + "&time_zone=" +
                           encoded(options.time_zone) + "&count=" + std::to_string(options.count));
  if (!times) return session.fail(times.error());
  if (session.json()) return session.print(*times), kOk;
  for (const std::string& at : texts_of(*times, "next_runs")) session.print(at + "\n");
  return kOk;
}

int run_schedule(Session& session, const ScheduleOptions& options) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto schedule = (*api)->post(path_of(options.name) + "/run", Json::object());
  if (!schedule) return session.fail(schedule.error());
  if (session.json()) {
    session.print(*schedule);
  } else {
    session.say(
        printable(text_of(*schedule, "outcome") + ": " + text_of(*schedule, "outcome_message")));
    if (text_of(*schedule, "outcome") == "started") {
      session.say("follow it:  rolesync job watch " + text_of(*schedule, "last_job_id"));
    }
  }
  return text_of(*schedule, "outcome") == "failed" ? kFailed : kOk;
}

int switch_schedule(Session& session, const ScheduleOptions& options, const char* verb) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto schedule = (*api)->post(path_of(options.name) + "/" + verb, Json::object());
  if (!schedule) return session.fail(schedule.error());
  if (session.json()) return session.print(*schedule), kOk;
  session.say(options.name + (flag_of(*schedule, "enabled") ? " runs again" : " is paused"));
  return kOk;
}

int remove_schedule(Session& session, const ScheduleOptions& options) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto gone = (*api)->remove(path_of(options.name));
  if (!gone) return session.fail(gone.error());
  session.say(options.name + " is gone; a job that it started goes on");
  return kOk;
}

void add_set_options(CLI::App& set, ScheduleOptions& options) {
  set.add_option("name", options.name)->required();
  set.add_option("--cron", options.cron, "minute hour day month weekday, or @daily ...")
      ->required();
  set.add_option("--time-zone", options.time_zone, "for example Europe/Berlin (default UTC)");
  set.add_option("--window", options.windows, "start only then, like \"mon-fri 22:00-04:00\"")
      ->allow_extra_args(false);
  set.add_option("--role", options.roles, "only these roles")->allow_extra_args(false);
  set.add_option("--node", options.nodes, "only these nodes")->allow_extra_args(false);
  set.add_option("--label", options.labels, "only nodes with name=value")->allow_extra_args(false);
  set.add_option("--approval", options.approval,
                 "automatic (default); required: only plan, a person runs the plan")
      ->check(CLI::IsMember({"automatic", "required"}));
  set.add_option("--on-window-close", options.on_window_close,
                 "a job that still runs then: finish (default) or cancel")
      ->check(CLI::IsMember({"finish", "cancel"}));
  set.add_option("--restart", options.restart, "auto (default), always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  set.add_option("--first-install", options.first_install, "refuse (default), adopt or overlay")
      ->check(CLI::IsMember({"refuse", "adopt", "overlay"}));
  add_rollout(set, options.rollout);
}

}  // namespace

void add_schedule(CLI::App& app, Session& session) {
  CLI::App* schedule =
      app.add_subcommand("schedule", "syncs that start by themselves")->require_subcommand(1);
  auto options = std::make_shared<ScheduleOptions>();
  const auto runs = [&session, options](CLI::App* command, auto action) {
    command->callback([&session, options, action] {
      session.action = [&session, options, action] { return action(session, *options); };
    });
  };
  const auto with_name = [&](const char* verb, const char* about, auto action) {
    CLI::App* command = schedule->add_subcommand(verb, about);
    command->add_option("name", options->name)->required();
    runs(command, action);
  };
  runs(schedule->add_subcommand("list", "all schedules"),
       [](Session& s, const ScheduleOptions&) { return list_schedules(s); });
  with_name("show", "its targets, next runs and what came of the last", show_schedule);
  CLI::App* set = schedule->add_subcommand("set", "creates or replaces a schedule");
  add_set_options(*set, *options);
  runs(set, set_schedule);
  CLI::App* apply = schedule->add_subcommand("apply", "creates or replaces one from a JSON file");
  apply->add_option("file", options->file, "the file; - is standard input")->required();
  runs(apply, apply_schedule);
  CLI::App* times = schedule->add_subcommand("preview", "the next times of a cron expression");
  times->add_option("cron", options->cron)->required();
  times->add_option("--time-zone", options->time_zone);
  times->add_option("--count", options->count)->check(CLI::Range(1, 100));
  runs(times, preview);
  with_name("run", "at once, in spite of its times and windows", run_schedule);
  with_name("pause", "nothing is started by it any more",
            [](Session& s, const ScheduleOptions& o) { return switch_schedule(s, o, "pause"); });
  with_name("resume", "it runs again from now on",
            [](Session& s, const ScheduleOptions& o) { return switch_schedule(s, o, "resume"); });
  with_name("remove", "removes it; its jobs stay", remove_schedule);
}

}  // namespace rolesync::cli
