// SPDX-License-Identifier: Apache-2.0
#include "host/cli/demo/story.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/cli/demo/observer.hpp"
#include "host/cli/demo/sample.hpp"
#include "host/cli/exit_code.hpp"
#include "host/cli/fields.hpp"
#include "host/cli/programs.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;

class Story {
 public:
  Story(DemoFleet& fleet, Narrator& narrator) : fleet_(fleet), see_(fleet), tell_(narrator) {}

  Status first_sync_is_done();
  Status commit_makes_outdated();
  Status plan_says_what_would_happen();
  Status approved_plan_is_carried_out();
  Status bad_commit_is_rolled_back();
  Status revert_needs_no_sync();
  Status role_without_restart_waits();
  Status drift_is_seen();
  Status drift_is_repaired();
  Status role_is_dropped_in();

 private:
  // One fact: told when it holds, the end of the story when not.
  Status fact(const std::string& what, const Status& status) {
    if (status) tell_.verified(what);
    return status;
  }
  Status fact(const std::string& what, bool holds) {
    return fact(what, holds ? Status() : Status(untrue("not so: " + what)));
  }
  Status exits(const CommandLine::Outcome& outcome, int wanted) {
    return fact(
        "exit code " + std::to_string(wanted),
        outcome.exit_code == wanted
            ? Status()
            : Status(untrue("exit code " + std::to_string(outcome.exit_code) + " instead of " +
                            std::to_string(wanted) + ": " + outcome.words)));
  }
  Status edit(const std::string& path, const std::string& text) {
    return write_text(fleet_.repository() + "/" + path, text);
  }
  Status commit(const std::string& message, std::string& id) {
    tell_.command("git commit -am " + printable("\"" + message + "\""));
    auto made = fleet_.git().commit_all(message);
    if (!made) return made.error();
    id = *made;
    return {};
  }
  std::string front(const std::string& path) const {
    return fleet_.on_disk("node-1", fleet_.role("frontend").target) + "/" + path;
  }
  Result<Json> newest_job() const;
  Status kept_copy_holds(const std::string& path, const std::string& blob);

  DemoFleet& fleet_;
  Observer see_;
  Narrator& tell_;
  std::string first_, good_, plan_hash_, dot_env_, edited_;
};

// Returns from the calling step with the first Status that is not ok.
#define STORY_CHECK(...) \
  if (Status story_status = (__VA_ARGS__); !story_status) return story_status

Status Story::first_sync_is_done() {
  tell_.step("One server, three agents, a repository with the hook: the first sync is done");
  auto head = fleet_.git().run({"rev-parse", "HEAD"});
  if (!head) return head.error();
  first_ = head->substr(0, 40);
  fleet_.cli().show({"status"});
  for (const char* role : {"frontend", "backend"}) {
    STORY_CHECK(fact(std::string(role) + ": git hashes every file on " +
                         joined(fleet_.nodes_with(role)) + " to the blobs of commit " +
                         short_commit(first_),
                     see_.disks_hold(role, first_)));
    STORY_CHECK(fact(std::string(role) + " is current", see_.version_becomes(role, "current")));
    STORY_CHECK(fact(std::string(role) + " is healthy", see_.healthy(role)));
  }
  STORY_CHECK(fact("the front end of node-1 answers",
                   see_.served("frontend", "node-1", "/index.html", "<h1>AutoBot</h1>")));
  // Local files beside the managed ones, to be found untouched at the end.
  STORY_CHECK(write_text(front(".env"), "SECRET=only on this node\n"));
  STORY_CHECK(write_text(front("node_modules/left-pad/index.js"), "local\n"));
  auto blob = fleet_.git().blob_of_file(front(".env"));
  if (!blob) return blob.error();
  dot_env_ = *blob;
  return {};
}

Status Story::commit_makes_outdated() {
  tell_.step("A commit that touches the front end only");
  STORY_CHECK(edit("autobot-vue/index.html", "<!doctype html>\n<h1>AutoBot 2</h1>\n"));
  STORY_CHECK(edit("autobot-vue/src/new.js", "console.log(\"new\");\n"));
  auto removed = fleet_.git().run({"rm", "--quiet", "autobot-vue/src/old page.html"});
  if (!removed) return removed.error();
  STORY_CHECK(commit("Second version: \"quotes\", emoji 🚀\n\nand more lines", good_));
  STORY_CHECK(fact("the hook told the server; frontend is outdated on both its nodes",
                   see_.version_becomes("frontend", "outdated")));
  STORY_CHECK(fact("backend, which the commit does not touch, stays current",
                   see_.version_becomes("backend", "current")));
  return fact(
      "nothing was deployed by the notification: the disks still hold " + short_commit(first_),
      see_.disks_hold("frontend", first_));
}

Status Story::plan_says_what_would_happen() {
  tell_.step("The plan");
  fleet_.cli().show({"plan"});
  auto plan = fleet_.cli().json({"plan"});
  if (!plan) return plan.error();
  plan_hash_ = text_of(*plan, "plan_hash");
  std::size_t rows = 0;
  for (const Json& row : array_of(*plan, "rows")) {
    if (text_of(row, "change") == "none") continue;
    ++rows;
    STORY_CHECK(
        fact(text_of(row, "node") + ": frontend, 1 file added, 1 changed, 1 removed, restart",
             text_of(row, "role") == "frontend" && number_of(row, "files_added") == 1 &&
                 number_of(row, "files_changed") == 1 && number_of(row, "files_removed") == 1 &&
                 flag_of(row, "restart")));
  }
  return fact("these two rows and no other", rows == 2);
}

Status Story::approved_plan_is_carried_out() {
  tell_.step("Exactly this plan is approved and carried out");
  STORY_CHECK(exits(fleet_.cli().show({"sync", "--plan", plan_hash_}), kOk));
  STORY_CHECK(
      fact("git hashes every file on node-1 and node-2 to the blobs of " + short_commit(good_),
           see_.disks_hold("frontend", good_)));
  STORY_CHECK(fact("the removed file is gone", !fs::exists(front("src/old page.html"))));
  for (const std::string& node : fleet_.nodes_with("frontend"))
    STORY_CHECK(fact(node + " serves the new page",
                     see_.served("frontend", node, "/index.html", "AutoBot 2")));
  STORY_CHECK(fact("status says current", see_.version_becomes("frontend", "current")));
  return fact("the same plan cannot run twice",
              fleet_.cli().run({"sync", "--plan", plan_hash_}).exit_code == kConflict);
}

Status Story::bad_commit_is_rolled_back() {
  tell_.step("A bad commit: the service starts, but its health check fails; the nodes roll back");
  std::string bad;
  STORY_CHECK(edit("autobot-vue/serve.py", broken_front_end()));
  STORY_CHECK(commit("A mistake", bad));
  STORY_CHECK(fact("frontend is outdated", see_.version_becomes("frontend", "outdated")));
  const auto sync = fleet_.cli().show({"sync", "frontend", "--approve"});
  STORY_CHECK(
      fact("the sync says that it failed (exit code " + std::to_string(sync.exit_code) + ")",
           sync.exit_code == kFailed || sync.exit_code == kPartlyFailed));
  auto job = newest_job();
  if (!job) return job.error();
  for (const Json& task : array_of(*job, "tasks"))
    STORY_CHECK(fact(text_of(task, "node_id") +
                         " was rolled back because of its health: " + text_of(task, "reason"),
                     text_of(task, "state") == "rolled_back" &&
                         text_of(task, "reason").find("health") != std::string::npos));
  STORY_CHECK(fact("git hashes every file on node-1 and node-2 to the blobs of " +
                       short_commit(good_) + " again",
                   see_.disks_hold("frontend", good_)));
  for (const std::string& node : fleet_.nodes_with("frontend"))
    STORY_CHECK(fact(node + " serves the page from before",
                     see_.served("frontend", node, "/index.html", "AutoBot 2")));
  STORY_CHECK(fact("status does not claim the bad commit: outdated",
                   see_.version_becomes("frontend", "outdated")));
  return fact("and healthy", see_.healthy("frontend"));
}

Status Story::revert_needs_no_sync() {
  tell_.step("The mistake is reverted: what the nodes hold is what the repository says");
  tell_.command("git revert HEAD");
  auto reverted = fleet_.git().run({"revert", "--no-edit", "HEAD"});
  if (!reverted) return reverted.error();
  // git runs post-commit for a revert as well.
  return fact("frontend is current without a sync, because its content is equal",
              see_.version_becomes("frontend", "current"));
}

Status Story::role_without_restart_waits() {
  tell_.step("A role that is not restarted by itself");
  std::string id;
  STORY_CHECK(edit("backend/settings.json", "{\"workers\": 4}\n"));
  STORY_CHECK(commit("More workers", id));
  STORY_CHECK(fact("backend is outdated", see_.version_becomes("backend", "outdated")));
  STORY_CHECK(exits(fleet_.cli().show({"sync", "backend", "--approve"}), kOk));
  STORY_CHECK(fact("git hashes every file of both source paths to " + short_commit(id),
                   see_.disks_hold("backend", id)));
  STORY_CHECK(fact("status says restart_pending, not more than is true",
                   see_.running_becomes("backend", "restart_pending")));
  STORY_CHECK(
      exits(fleet_.cli().show({"sync", "backend", "--approve", "--restart", "always"}), kOk));
  return fact("after a sync with --restart always it runs what lies on the disk",
              see_.running_becomes("backend", "current"));
}

Status Story::drift_is_seen() {
  tell_.step("Somebody edits a managed file on node-1 by hand");
  edited_ = "<h1>Edited by hand</h1>\n";
  tell_.command("echo '<h1>Edited by hand</h1>' > node-1/.../index.html");
  STORY_CHECK(write_text(front("index.html"), edited_));
  const auto began = std::chrono::steady_clock::now();
  std::string named;
  const bool seen = wait_until(std::chrono::seconds(30), [&] {
    const Json cell = see_.cell("frontend", "node-1");
    const Json& drift = array_of(cell, "drift");
    named = drift.empty() ? "" : text_of(drift.front(), "path");
    return text_of(object_of(cell, "version"), "state") == "drifted";
  });
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began);
  STORY_CHECK(fact("node-1 is drifted, seen after " + std::to_string(took.count()) + " ms", seen));
  STORY_CHECK(fact("and it names index.html", named == "index.html"));
  fleet_.cli().show({"status", "--role", "frontend"});
  return fact("node-2 is still current",
              text_of(object_of(see_.cell("frontend", "node-2"), "version"), "state") == "current");
}

Result<Json> Story::newest_job() const {
  auto list = fleet_.cli().json({"job", "list", "--limit", "1"});
  if (!list) return list.error();
  const Json& jobs = array_of(*list, "jobs");
  if (jobs.empty()) return untrue("there is no job");
  return fleet_.cli().json({"job", "show", text_of(jobs.front(), "job_id")});
}

Status Story::kept_copy_holds(const std::string& path, const std::string& blob) {
  auto job = newest_job();
  if (!job) return job.error();
  for (const Json& task : array_of(*job, "tasks"))
    for (const Json& saved : array_of(task, "saved"))
      if (text_of(saved, "path") == path) {
        auto kept = fleet_.git().blob_of_file(text_of(saved, "saved_as"));
        if (!kept) return kept.error();
        return *kept == blob ? Status() : Status(untrue("the kept copy has other bytes"));
      }
  return untrue("the job names no kept copy of " + path);
}

Status Story::drift_is_repaired() {
  tell_.step("A sync repairs it and keeps the edited copy");
  auto edit_blob = fleet_.git().blob_of_file(front("index.html"));
  if (!edit_blob) return edit_blob.error();
  STORY_CHECK(exits(fleet_.cli().show({"sync", "frontend", "--approve", "--node", "node-1"}), kOk));
  STORY_CHECK(fact("git hashes the files of node-1 to the repository's blobs again",
                   see_.disks_hold("frontend", "HEAD")));
  STORY_CHECK(
      fact("the edited copy was kept, byte for byte", kept_copy_holds("index.html", *edit_blob)));
  STORY_CHECK(fact("status says current", see_.version_becomes("frontend", "current")));
  auto env = fleet_.git().blob_of_file(front(".env"));
  if (!env) return env.error();
  STORY_CHECK(fact(".env beside the managed files was never touched", *env == dot_env_));
  return fact("nor was node_modules", fs::exists(front("node_modules/left-pad/index.js")));
}

Status Story::role_is_dropped_in() {
  tell_.step("A new role: one file dropped into the running server's plugin directory");
  const std::string role = "demo-docs", node = "node-3", target = "/srv/demo-docs";
  STORY_CHECK(fact("the server does not know it yet",
                   fleet_.cli().run({"role", "show", role}).exit_code == kNotFound));
  const std::string built =
      fs::path(program_directory()).parent_path() / "examples" / (role + ".so");
  tell_.command("cp " + role + ".so server/plugins/");
  std::error_code failed;
  fs::copy_file(built, fleet_.drop_in_directory() + "/" + role + ".so", failed);
  STORY_CHECK(fact("copied", failed ? Status(untrue(built + ": " + failed.message())) : Status()));
  STORY_CHECK(fact("the server knows the role, without a restart",
                   wait_until(std::chrono::seconds(30), [&] {
                     return fleet_.cli().run({"role", "show", role}).exit_code == kOk;
                   })));
  STORY_CHECK(exits(fleet_.cli().show({"node", "assign", node, role}), kOk));
  const auto version_is = [&](const std::string& state) {
    return wait_until(std::chrono::seconds(30), [&] {
      return text_of(object_of(see_.cell(role, node), "version"), "state") == state;
    });
  };
  STORY_CHECK(fact("its files were found in the newest commit: outdated", version_is("outdated")));
  STORY_CHECK(exits(fleet_.cli().show({"sync", role, "--approve"}), kOk));
  STORY_CHECK(fact("git hashes every file on " + node + " to the repository's blobs",
                   see_.disk_holds(node, target, "demo-docs", "HEAD")));
  STORY_CHECK(fact("status says current", version_is("current")));
  fleet_.cli().show({"status"});
  return fact("server and agents are the processes that were started first", fleet_.all_running());
}

#undef STORY_CHECK

}  // namespace

Status play_story(DemoFleet& fleet, Narrator& narrator) {
  Story story(fleet, narrator);
  for (const auto part : {&Story::first_sync_is_done, &Story::commit_makes_outdated,
                          &Story::plan_says_what_would_happen, &Story::approved_plan_is_carried_out,
                          &Story::bad_commit_is_rolled_back, &Story::revert_needs_no_sync,
                          &Story::role_without_restart_waits, &Story::drift_is_seen,
                          &Story::drift_is_repaired, &Story::role_is_dropped_in}) {
    if (demo_stop) return Error{ErrorKind::failed, "interrupted", "interrupted"};
    if (auto status = (story.*part)(); !status) return status;
  }
  return {};
}

}  // namespace rolesync::cli
