// SPDX-License-Identifier: Apache-2.0
// `rolesync job list|show|watch|cancel|pause|resume|promote|skip`.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "host/cli/commands.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/job_follow.hpp"
#include "host/cli/marks.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"
#include "host/cli/wall_clock.hpp"

namespace rolesync::cli {
namespace {

int list_jobs(Session& session, int limit) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto list = (*api)->get_list("/api/sync-jobs", "jobs", static_cast<std::size_t>(limit));
  if (!list) return session.fail(list.error());
  if (session.json()) return session.print(*list), kOk;
  Table table({"JOB", "STATE", "ROLES", "NODES", "CREATED", "BY", "REASON"});
  for (const Json& job : array_of(*list, "jobs"))
    table.add({text_of(job, "job_id"), marked(text_of(job, "state")),
               joined(texts_of(job, "roles")), joined(texts_of(job, "nodes")),
               age_of(text_of(job, "created_at")), text_of(job, "created_by"),
               text_of(job, "reason")});
  if (table.empty()) return session.say("no jobs yet"), kOk;
  session.print(table);
  if (!text_of(*list, "next_page_token").empty()) session.say("there are more: --limit");
  return kOk;
}

int show_job(Session& session, const std::string& id) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto job = (*api)->get("/api/sync-jobs/" + encoded(id));
  if (!job) return session.fail(job.error());
  print_job(session, *job);
  return kOk;
}

// What an operator wants of a job that runs.
int act_on_job(Session& session, const std::string& id, const std::string& word,
               const Json& body = Json::object()) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto job = (*api)->post("/api/sync-jobs/" + encoded(id) + "/" + word, body);
  if (!job) return session.fail(job.error());
  print_job(session, *job);
  return kOk;
}

int approve_job(Session& session, const std::string& id, const std::string& comment) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  auto job = (*api)->post("/api/sync-jobs/" + encoded(id) + "/approve", {{"comment", comment}});
  if (!job) return session.fail(job.error());
  print_job(session, *job);
  if (text_of(*job, "state") == "awaiting_approval") {
    session.say("noted; it still waits for others");
  }
  return kOk;
}

}  // namespace

void add_job(CLI::App& app, Session& session) {
  CLI::App* job = app.add_subcommand("job", "syncs that run or ran")->require_subcommand(1);
  auto id = std::make_shared<std::string>();
  auto number = std::make_shared<int>(0);

  CLI::App* list = job->add_subcommand("list", "newest first");
  auto limit = std::make_shared<int>(20);
  list->add_option("--limit", *limit, "at most so many (default 20)")
      ->check(CLI::Range(1, 100'000));
  list->callback([&session, limit] {
    session.action = [&session, limit] { return list_jobs(session, *limit); };
  });

  CLI::App* show = job->add_subcommand("show", "one job with its tasks");
  show->add_option("job", *id)->required();
  show->callback(
      [&session, id] { session.action = [&session, id] { return show_job(session, *id); }; });

  CLI::App* watch = job->add_subcommand("watch", "follow a job; exits by its end");
  watch->add_option("job", *id)->required();
  watch->add_option("--timeout", *number, "seconds, then exit 7")->check(CLI::PositiveNumber);
  watch->callback([&session, id, number] {
    session.action = [&session, id, number] {
      FollowOptions follow;
      if (*number > 0) follow.time_limit = std::chrono::seconds(*number);
      return follow_job(session, *id, follow);
    };
  });

  const auto add_action = [&](const char* word, const char* help) {
    CLI::App* action = job->add_subcommand(word, help);
    action->add_option("job", *id)->required();
    action->callback([&session, id, word] {
      session.action = [&session, id, word] { return act_on_job(session, *id, word); };
    });
  };
  add_action("cancel", "start nothing new; finish what has begun");
  add_action("pause", "begin nothing new until it is resumed; finish what has begun");
  add_action("resume", "go on, and accept what has failed until now");
  add_action("promote", "the canaries are good: the other nodes follow");

  CLI::App* skip = job->add_subcommand("skip", "leave out a node that has not begun to switch");
  auto node = std::make_shared<std::string>();
  skip->add_option("job", *id)->required();
  skip->add_option("node", *node)->required();
  skip->callback([&session, id, node] {
    session.action = [&session, id, node] {
      return act_on_job(session, *id, "skip", {{"node", *node}});
    };
  });

  CLI::App* approve = job->add_subcommand("approve", "one approval of a job that waits for them");
  approve->add_option("job", *id)->required();
  auto comment = std::make_shared<std::string>();
  approve->add_option("--comment", *comment, "kept with the approval");
  approve->callback([&session, id, comment] {
    session.action = [&session, id, comment] { return approve_job(session, *id, *comment); };
  });
}

}  // namespace rolesync::cli
