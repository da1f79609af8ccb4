// SPDX-License-Identifier: Apache-2.0
#include "host/cli/job_follow.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/cli/fields.hpp"
#include "host/cli/marks.hpp"
#include "host/cli/text.hpp"

namespace rolesync::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kFirstPause = std::chrono::milliseconds(100);
constexpr auto kLongestPause = std::chrono::milliseconds(1000);
// A restarting server is waited for: the job is the server's, not ours.
constexpr auto kPatience = std::chrono::seconds(60);

std::string task_words(const Json& task) {
  std::string out = text_of(task, "role_name") + " on " + text_of(task, "node_id") + ": " +
                    text_of(task, "state");
  if (const auto step = text_of(task, "step");
      !step.empty() && text_of(task, "state") != "succeeded")
    out += " (" + step + ")";
  if (flag_of(task, "restart_pending")) out += ", restart pending";
  if (const auto message = text_of(task, "message"); !message.empty())
    out += ": " + first_line(message);
  return printable(out);
}

// Says what changed since the last look.
class TaskLines {
 public:
  void show(Session& session, const Json& job) {
    for (const Json& task : array_of(job, "tasks")) {
      const std::string words = task_words(task);
      std::string& last = last_[text_of(task, "task_id")];
      if (words == last) continue;
      last = words;
      session.end_progress();
      session.say("  " + words);
    }
    show_pause(session, job);
  }

 private:
  // A job that is paused waits for somebody, who should know for what.
  void show_pause(Session& session, const Json& job) {
    const bool is_paused = text_of(job, "state") == "paused";
    const std::string reason = is_paused ? text_of(job, "reason") : "";
    if (reason == pause_) return;
    pause_ = reason;
    session.end_progress();
    if (reason.empty()) return session.say("  the job goes on");
    const std::string word = reason == "awaiting_promotion" ? "promote" : "resume";
    session.say("  paused: " + printable(text_of(job, "message")));
    session.say("  go on with: rolesync job " + word + " " + text_of(job, "job_id") +
                "; or cancel it");
  }

  std::map<std::string, std::string> last_;
  std::string pause_;
};

std::string progress_words(const Json& job, Clock::time_point began) {
  std::vector<std::string> parts;
  for (const auto& [state, count] : object_of(job, "counts").items())
    if (count.is_number() && count.get<std::int64_t>() > 0)
      parts.push_back(std::to_string(count.get<std::int64_t>()) + " " + state);
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - began).count();
  return printable(text_of(job, "state") + ": " + joined(parts)) + "  " + std::to_string(seconds) +
         "s";
}

Table task_table(const Json& job) {
  Table table({"ROLE", "NODE", "FROM", "TO", "STATE", "NOTE"});
  for (const Json& task : array_of(job, "tasks")) {
    const auto commit = [&](const char* key) {
      const std::string text = text_of(object_of(task, key), "commit");
      return text.empty() ? std::string("-") : short_commit(text);
    };
    std::vector<std::string> notes;
    if (flag_of(task, "restart_pending")) notes.push_back("restart pending");
    if (const auto reason = text_of(task, "reason"); !reason.empty()) notes.push_back(reason);
    for (const Json& saved : array_of(task, "saved"))
      notes.push_back("kept " + text_of(saved, "path") + " as " + text_of(saved, "saved_as"));
    table.add({text_of(task, "role_name"), text_of(task, "node_id"), commit("from"), commit("to"),
               marked(text_of(task, "state")), joined(notes, "; ")});
  }
  return table;
}

// The last step that left words behind is what a person looks for first.
void say_failures(const Session& session, const Json& job) {
  for (const Json& task : array_of(job, "tasks")) {
    const std::string state = text_of(task, "state");
    if (state == "succeeded" || state == "skipped") continue;
    if (const auto message = text_of(task, "message"); !message.empty())
      session.say(printable(text_of(task, "role_name") + " on " + text_of(task, "node_id") + ": " +
                            message));
    std::string output;
    for (const Json& step : array_of(task, "steps"))
      if (!text_of(step, "output").empty()) output = text_of(step, "output");
    for (std::size_t at = 0; at < output.size();) {
      const std::size_t end = std::min(output.find('\n', at), output.size());
      session.say("    | " + printable(output.substr(at, end - at)));
      at = end + 1;
    }
  }
}

}  // namespace

void print_job(Session& session, const Json& job) {
  if (session.json()) return session.print(job);
  if (!array_of(job, "tasks").empty()) session.print(task_table(job));
  say_failures(session, job);
  std::string words = text_of(job, "job_id") + " " + text_of(job, "state");
  if (const auto message = text_of(job, "message"); !message.empty())
    words += ": " + message;
  else if (const auto reason = text_of(job, "reason"); !reason.empty())
    words += ": " + reason;
  session.say(printable(words));
}

int follow_job(Session& session, const std::string& job_id, const FollowOptions& options) {
  auto api = session.api();
  if (!api) return session.fail(api.error());
  const auto began = Clock::now();
  auto answered = began;
  auto pause = kFirstPause;
  TaskLines lines;
  for (;;) {
    auto job = (*api)->get("/api/sync-jobs/" + encoded(job_id));
    const auto now = Clock::now();
    if (!job) {
      const bool may_return =
          job.error().kind == ErrorKind::unavailable || job.error().kind == ErrorKind::timeout;
      session.end_progress();
      if (!may_return || now - answered > kPatience) return session.fail(job.error());
      session.progress("waiting for the server: " + printable(job.error().message));
      pause = kLongestPause;
    } else {
      answered = now;
      lines.show(session, *job);
      const std::string state = text_of(*job, "state");
      if (state == "awaiting_approval") {
        session.end_progress();
        print_job(session, *job);
        session.say("somebody else approves it with:  rolesync job approve " + job_id);
        return kOk;
      }
      if (job_has_ended(state)) {
        session.end_progress();
        print_job(session, *job);
        return exit_code_of_job(state);
      }
      session.progress(progress_words(*job, began));
    }
    if (options.time_limit && now - began > *options.time_limit) {
      session.end_progress();
      session.say("the job goes on; follow it with: rolesync job watch " + job_id);
      return kTimedOut;
    }
    std::this_thread::sleep_for(pause);
    pause = std::min<std::chrono::milliseconds>(pause * 3 / 2, kLongestPause);
  }
}

}  // namespace rolesync::cli
