// SPDX-License-Identifier: Apache-2.0
#include "node.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/json.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync::simulated {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// As in a real agent: what a command leads to within this time is said with its acknowledgement.
constexpr milliseconds kHold{150};
constexpr seconds kGrace{15};  // beyond the time the server may let us wait
constexpr seconds kShortWait{60};
constexpr std::size_t kRemembered = 50;
constexpr std::size_t kEvents = 50;

Millis wall_clock() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string text(const Json& object, const char* field) {
  const auto it = object.find(field);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

}  // namespace

Node::Node(World& world, std::size_t index, std::string name, Traits traits, std::string credential)
    : world_(world),
      index_(index),
      name_(std::move(name)),
      traits_(traits),
      dice_(world.options.seed * 1'000'003 + index),
      machine_(name_, dice_, traits.drifting, world.options.quarantined),
      connection_(world.endpoint, world.epoll, index),
      credential_(std::move(credential)),
      boot_id_("boot-" + std::to_string(world.options.boot) + "-" + name_) {}

std::string Node::node_path(const std::string& rest) const {
  return "/api/nodes/" + name_ + "/" + rest;
}

// -- the connection ---------------------------------------------------------------------------

void Node::on_ready() {
  switch (connection_.on_ready()) {
    case Connection::Outcome::pending:
      return;
    case Connection::Outcome::lost:
      return lost();
    case Connection::Outcome::answered:
      give_up_at_ = TimePoint::max();
      take(connection_.take_answer());
      return go_on();
  }
}

void Node::on_timer() {
  if (dead_) return;
  if (Clock::now() >= give_up_at_) {
    ++world_.counts.timeouts;
    connection_.close();
    return lost();
  }
  do_due_work();
  go_on();
}

void Node::lost() {
  const bool asked = std::exchange(asking_, Asking::nothing) != Asking::nothing;
  give_up_at_ = TimePoint::max();
  if (!asked) return;  // an idle connection that the server closed
  ++world_.counts.lost;
  body_.resend_all();
  const int longest = std::min(500 << std::min(tries_++, 6), 30'000);
  pause(milliseconds(longest / 2 + dice_.about(longest / 2) / 2));
}

void Node::pause(milliseconds time) {
  rest_until_ = Clock::now() + time;
  world_.wake_at(rest_until_, index_);
}

void Node::ask(Asking what, const std::string& method, const std::string& path,
               const std::string& bearer, const std::string& body) {
  std::string request =
      method + " " + path + " HTTP/1.1\r\nHost: " + world_.endpoint.host + "\r\nAccept: */*\r\n";
  if (!bearer.empty()) request += "Authorization: Bearer " + bearer + "\r\n";
  if (method == "POST") {
    request +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  request += "\r\n" + body;
  asking_ = what;
  const bool waits = what == Asking::heartbeat;
  give_up_at_ = Clock::now() + (waits ? seconds(wait_seconds_) + kGrace : kShortWait);
  world_.wake_at(give_up_at_, index_);
  const std::uint64_t opened = connection_.opened();
  const bool sent = connection_.send(std::move(request));
  world_.counts.connections += connection_.opened() - opened;
  if (!sent) lost();
}

// -- what comes next --------------------------------------------------------------------------

void Node::go_on() {
  const TimePoint now = Clock::now();
  if (dead_ || asking_ != Asking::nothing || now < rest_until_) return;
  if (credential_.empty()) return join_token_.empty() ? ask_for_join_token() : join();
  if (!wanted_etag_.empty() && (!definitions_ || definitions_->etag != wanted_etag_)) {
    return ask(Asking::definitions, "GET", "/api/roles/definitions", credential_);
  }
  for (const Work& work : works_) {
    if (work.activates || work.fetched) continue;
    const Task& task = tasks_.at(work.task);
    const std::string from = task.from.empty() ? "" : "?from=" + task.from;
    return ask(Asking::content, "GET", node_path("tasks/" + task.id + "/content" + from),
               credential_);
  }
  if (!works_.empty() && events_.empty() && now < hold_until_) {
    return world_.wake_at(hold_until_, index_);
  }
  heartbeat();
}

void Node::ask_for_join_token() {
  ask(Asking::join_token, "POST", "/api/join-tokens", world_.admin_token,
      to_text({{"node_id", name_}}));
}

void Node::join() {
  ask(Asking::join, "POST", "/api/join", "",
      to_text({{"token", join_token_},
               {"node_id", name_},
               {"agent_version", "0.1.0"},
               {"hostname", name_},
               {"boot_id", boot_id_}}));
}

void Node::heartbeat() {
  acknowledging_.assign(unacknowledged_.begin(), unacknowledged_.end());
  Json head = {{"sequence", ++heartbeats_},
               {"boot_id", boot_id_},
               {"agent_version", "0.1.0"},
               {"definitions_etag", definitions_ ? definitions_->etag : ""},
               {"acknowledged", acknowledging_}};
  head.update(machine_.figures());
  std::string text = body_.write(head, machine_.parts(definitions_.get()));
  events_sent_ = std::min(events_.size(), kEvents);
  if (events_sent_ > 0) {
    text.back() = ',';  // the closing brace
    text += "\"task_events\":[";
    for (std::size_t i = 0; i < events_sent_; ++i) text += events_[i] + ',';
    text.back() = ']';
    text += '}';
  }
  ++world_.counts.heartbeats;
  world_.counts.heartbeat_bytes += text.size();
  ask(Asking::heartbeat, "POST", node_path("heartbeat?wait=" + std::to_string(wait_seconds_)),
      credential_, text);
  if (!settled_ && definitions_) {
    settled_ = true;
    world_.settled(index_);
  }
}

// -- answers ----------------------------------------------------------------------------------

void Node::take(const Answer& answer) {
  const Asking asked = std::exchange(asking_, Asking::nothing);
  if (answer.status >= 300) {
    if (asked == Asking::heartbeat) body_.resend_all();
    return refused(answer);
  }
  tries_ = 0;
  switch (asked) {
    case Asking::join_token: {
      const auto json = parse_json(answer.body);
      join_token_ = json ? text(*json, "token") : "";
      return;
    }
    case Asking::join:
      return take_joined(answer);
    case Asking::definitions:
      return take_definitions(answer);
    case Asking::content:
      for (Work& work : works_) {
        if (work.activates || work.fetched) continue;
        work.fetched = true;
        return do_due_work();
      }
      return;
    case Asking::heartbeat:
      return take_heartbeat(answer);
    case Asking::nothing:
      return;
  }
}

void Node::refused(const Answer& answer) {
  if (answer.status == 503) {
    ++world_.counts.overloaded;
  } else {
    ++world_.counts.refused;
  }
  if (answer.status == 401 && !credential_.empty()) {  // revoked: it has nothing more to say
    dead_ = true;
    ++world_.counts.gone;
    connection_.close();
    return;
  }
  // A task whose content it may not have any more was dropped by the server.
  std::erase_if(works_, [](const Work& work) { return !work.activates && !work.fetched; });
  const int longest = std::min(500 << std::min(tries_++, 6), 30'000);
  pause(milliseconds(longest / 2 + dice_.about(longest / 2) / 2));
}

void Node::take_joined(const Answer& answer) {
  const auto json = parse_json(answer.body);
  if (!json) return;
  credential_ = text(*json, "credential");
  wait_seconds_ = json->value("heartbeat_interval_seconds", wait_seconds_);
  ++world_.counts.joined;
}

void Node::take_definitions(const Answer& answer) {
  auto& known = world_.definitions[wanted_etag_];
  if (!known) {
    const auto read = read_definitions(answer.body);
    if (!read) return;
    known = *read;
  }
  definitions_ = known;
  wanted_etag_ = known->etag;
}

void Node::take_heartbeat(const Answer& answer) {
  body_.delivered();
  for (const std::string& id : acknowledging_) unacknowledged_.erase(id);
  events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(events_sent_));
  events_sent_ = 0;
  if (answer.status == 204) {
    ++world_.counts.quiet;
    return;
  }
  ++world_.counts.answered;
  const auto json = parse_json(answer.body, {16 << 20, 64});
  if (!json || !json->is_object()) return;
  std::vector<std::string> resend;
  for (const Json& part : json->value("resend", Json::array())) resend.push_back(part);
  body_.resend(resend);
  wanted_etag_ = text(*json, "definitions_etag");
  wait_seconds_ = json->value("heartbeat_interval_seconds", wait_seconds_);
  for (const Json& command : json->value("commands", Json::array())) obey(command);
}

// -- commands and tasks -----------------------------------------------------------------------

void Node::obey(const Json& command) {
  const std::string id = text(command, "id"), kind = text(command, "kind");
  unacknowledged_.insert(id);
  if (std::find(known_commands_.begin(), known_commands_.end(), id) != known_commands_.end())
    return;
  known_commands_.push_back(id);
  if (known_commands_.size() > kRemembered) known_commands_.pop_front();
  ++world_.counts.commands;
  const Json payload = command.value("payload", Json::object());
  const std::string task = text(payload, "task_id");
  if (world_.delivered) world_.delivered(name_, kind, task.empty() ? id : task);
  if (kind == "stage") {
    Task& fresh = tasks_[task];
    fresh.id = task;
    fresh.fence = command.value("fence", std::uint64_t{0});
    fresh.role = text(payload.value("role", Json::object()), "role_name");
    fresh.commit = text(payload, "commit");
    fresh.content_id = text(payload, "content_id");
    fresh.role_revision = text(payload, "role_revision");
    fresh.restart = payload.value("restart", false);
    const Release* installed = machine_.find(fresh.role);
    fresh.from = installed ? installed->content_id : "";
    begin(task, false);
  } else if (kind == "activate") {
    if (tasks_.contains(task)) begin(task, true);
  } else if (kind == "cancel" && tasks_.contains(task)) {
    std::erase_if(works_, [&](const Work& work) { return work.task == task; });
    say(tasks_.at(task), "cancelled", "report", "cancelled");
    ++world_.counts.cancelled;
    end(task);
  }
}

void Node::begin(const std::string& task, bool activates) {
  Task& begun = tasks_.at(task);
  if (activates && traits_.vanishing) return vanish();
  const milliseconds time(
      dice_.about(traits_.slow ? world_.options.slow_ms : world_.options.work_ms));
  const TimePoint now = Clock::now();
  hold_until_ = now + kHold;
  works_.push_back({task, activates, !world_.options.fetch, now + time});
  world_.wake_at(now + time, index_);
  // A real agent says that it has begun; when the rest follows at once, in the same report.
  say(begun, activates ? "activating" : "staging", activates ? "activate" : "fetch");
  if (time < kHold) return;
  hold_until_ = now;
}

void Node::do_due_work() {
  const TimePoint now = Clock::now();
  bool any = false;
  for (std::size_t i = 0; i < works_.size();) {
    if (works_[i].due > now || (!works_[i].activates && !works_[i].fetched)) {
      ++i;
      continue;
    }
    const Work work = works_[i];
    works_.erase(works_.begin() + static_cast<std::ptrdiff_t>(i));
    const auto task = tasks_.find(work.task);
    if (task == tasks_.end()) continue;
    work.activates ? end_switch(task->second) : end_stage(task->second);
    any = true;
  }
  if (any) has_news();
}

void Node::end_stage(Task& task) {
  if (traits_.failing && world_.options.fail_at == FailAt::stage) {
    say(task, "failed", "fetch", "disk_full");
    ++world_.counts.failed;
    return end(task.id);
  }
  say(task, "staged", "verify");
}

void Node::end_switch(Task& task) {
  const Release* before = machine_.find(task.role);
  if (traits_.failing && world_.options.fail_at == FailAt::activate) {
    say(task, "failed", "activate", "directory_in_the_way", before);
    ++world_.counts.failed;
    return end(task.id);
  }
  if (task.restart) say(task, "restarting", "restart");
  if (traits_.failing) {
    say(task, "checking", "health", "health_check_failed");
    say(task, "rolling_back", "rollback", "health_check_failed");
    say(task, "rolled_back", "report", "health_check_failed", before);
    ++world_.counts.rolled_back;
    return end(task.id);
  }
  machine_.put(task.role,
               {task.commit, task.content_id, task.role_revision, to_rfc3339(wall_clock())});
  say(task, "checking", "health");
  say(task, "succeeded", "report", "", machine_.find(task.role));
  ++world_.counts.succeeded;
  end(task.id);
}

void Node::say(Task& task, const char* state, const char* step, const std::string& reason,
               const Release* release) {
  Json event = {{"task_id", task.id}, {"fence", task.fence}, {"sequence", task.sequence++},
                {"state", state},     {"step", step},        {"at", to_rfc3339(wall_clock())}};
  if (!reason.empty()) {
    event["reason"] = reason;
    event["message"] = "simulated: " + reason;
  }
  if (release) {
    event["release"] = {{"version", release->commit},
                        {"content_id", release->content_id},
                        {"role_revision", release->role_revision},
                        {"verified_at", release->verified_at}};
  }
  events_.push_back(to_text(event));
}

// Breaks off the wait for the server: the next report carries the news.
void Node::has_news() {
  if (asking_ != Asking::heartbeat) return;
  connection_.close();
  body_.delivered();  // what the server has not read, it asks for
  asking_ = Asking::nothing;
  give_up_at_ = TimePoint::max();
}

void Node::vanish() {
  ++world_.counts.gone;
  connection_.close();
  asking_ = Asking::nothing;
  give_up_at_ = TimePoint::max();
  works_.clear();
  if (world_.options.vanish_ms <= 0) {
    dead_ = true;
    return;
  }
  // It comes back as a machine whose agent was not stopped: what was ordered goes on then.
  pause(milliseconds(world_.options.vanish_ms));
  for (const auto& [id, task] : tasks_) {
    works_.push_back({id, true, true, rest_until_});
  }
}

}  // namespace rolesync::simulated
