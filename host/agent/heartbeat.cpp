// SPDX-License-Identifier: Apache-2.0
#include "host/agent/heartbeat.hpp"

#include <pthread.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/agent/log.hpp"
#include "host/agent/version.hpp"
#include "host/services/clock.hpp"
#include "host/services/own_process.hpp"
#include "host/values/secret.hpp"

namespace rolesync::agent {
namespace {

// Between two reports of our own accord: a service that flaps must not flood the server.
constexpr std::chrono::milliseconds kShortestGap{200};
constexpr std::chrono::seconds kRecent{1};
constexpr std::chrono::minutes kGiveBack{1};
// What a command leads to within this time is said together with its acknowledgement.
constexpr std::chrono::milliseconds kWorkPause{150};
constexpr std::size_t kEvents = 50;
// What a report may take beyond its wait: to be made, sent and understood, also on a busy machine.
constexpr std::chrono::seconds kTalkGrace{45};
constexpr std::chrono::seconds kLookGrace{60};
constexpr std::size_t kMaxAnswer = 16 << 20;

std::string os_info_text() {
  const OsInfo info = os_info();
  return to_text(Json{{"system", info.system},
                      {"release", info.release},
                      {"architecture", info.architecture},
                      {"hostname", info.hostname},
                      {"distribution", info.distribution}});
}

std::vector<std::string> texts(const Json& object, const char* key) {
  std::vector<std::string> list;
  auto it = object.find(key);
  if (it == object.end() || !it->is_array()) return list;
  for (const Json& each : *it) {
    if (each.is_string()) list.push_back(each.get<std::string>());
  }
  return list;
}

constexpr int kNothingToSay = 204;

// Whatever is wrong with what answers: it is not our server saying that it does not want us.
Error as_away(Error error) {
  if (standing_of(error) != Standing::server_unverified) error.kind = ErrorKind::unavailable;
  return error;
}

Error not_understood(const std::string& what) {
  return {ErrorKind::unavailable, "protocol_error",
          "what answers at the server's address does not speak as a server: " + what,
          "look at what listens there, and for proxies on the way"};
}

// What the answer says; null when that is nothing. Error: it is a refusal, or not of a server.
Result<Json> understand(const HttpAnswer& answer) {
  if (answer.status == kNothingToSay) return Json(nullptr);
  if (answer.status != 200) {
    Error refusal = error_from_answer(answer);
    // Without a reason of ours it comes from something else that listens there.
    return refusal.reason.starts_with("http_") ? as_away(std::move(refusal)) : refusal;
  }
  const auto type = answer.headers.find("content-type");
  if (type == answer.headers.end() || !type->second.starts_with("application/json")) {
    return not_understood("its answer is not JSON");
  }
  Result<Json> said = parse_json(answer.body, {kMaxAnswer, 64});
  if (!said) return not_understood(said.error().message);
  if (!said->is_object() || !said->contains("commands") || !(*said)["commands"].is_array()) {
    return not_understood("its answer holds no commands");
  }
  return said;
}

}  // namespace

Heartbeat::Heartbeat(Parts parts)
    : parts_(parts),
      pace_(std::random_device{}(), std::chrono::steady_clock::now()),
      talking_(parts.liveness.add("heartbeat")),
      watching_(parts.liveness.add("watch")),
      os_info_(os_info_text()),
      instance_(random_hex(8)) {
  pace_.set_interval(parts_.config.first_interval);
}

void Heartbeat::end() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    poked_.notify_all();
  }
  if (talker_.joinable()) talker_.join();
  if (watcher_.joinable()) watcher_.join();
}

void Heartbeat::start() {
  talker_ = std::thread([this] { talk(); });
  watcher_ = std::thread([this] { watch(); });
  ::pthread_setname_np(talker_.native_handle(), "heartbeat");
}

void Heartbeat::poke() {
  std::lock_guard lock(mutex_);
  look_now_ = true;
  latest_good_ = false;
  poked_.notify_all();
}

void Heartbeat::poke_and_report() {
  std::lock_guard lock(mutex_);
  look_now_ = report_now_ = true;
  latest_good_ = false;
  poked_.notify_all();
}

void Heartbeat::hurry() {
  std::lock_guard lock(mutex_);
  hurry_ = true;
  poked_.notify_all();
}

LocalReport Heartbeat::look(RoleReporter::Occasion occasion) {
  {
    std::lock_guard lock(mutex_);
    latest_good_ = true;  // unless somebody pokes while we look
  }
  LocalReport report = parts_.reporter.look(occasion);
  std::lock_guard lock(mutex_);
  latest_ = report;
  latest_at_ = std::chrono::steady_clock::now();
  return report;
}

// During a task there are many heartbeats in a row, and one look is enough for them.
LocalReport Heartbeat::recent_report() {
  {
    std::lock_guard lock(mutex_);
    const auto age = std::chrono::steady_clock::now() - latest_at_;
    if (latest_good_ && !latest_.roles.empty() && age < kRecent) return latest_;
  }
  return look(RoleReporter::Occasion::heartbeat);
}

void Heartbeat::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    watching_.expect(parts_.config.detect_interval + kLookGrace);
    poked_.wait_for(lock, parts_.config.detect_interval, [this] { return look_now_ || stopping_; });
    if (stopping_) return;
    const bool forced = report_now_;
    look_now_ = report_now_ = false;
    lock.unlock();
    const std::string roles = look(RoleReporter::Occasion::between).roles;
    lock.lock();
    if (!forced && roles == reported_roles_) {
      rest(lock);
      continue;
    }
    hurry_ = true;
    poked_.notify_all();
    if (client_ && on_the_way_) client_->interrupt();
    poked_.wait_for(lock, kShortestGap, [this] { return stopping_; });
  }
}

// Nothing has happened: then what the start, or the last task, has left behind can go.
void Heartbeat::rest(std::unique_lock<std::mutex>& lock) {
  const auto now = std::chrono::steady_clock::now();
  if (now - gave_back_at_ < kGiveBack) return;
  gave_back_at_ = now;
  lock.unlock();
  give_back_memory();
  lock.lock();
}

void Heartbeat::talk() {
  while (!parts_.link.stopping()) {
    talking_.expect(kTalkGrace);
    if (Result<std::unique_ptr<LinkClient>> connected = parts_.link.connect()) {
      talk_over(**connected);
    } else {
      lost(connected.error());
    }
    talking_.expect(std::chrono::duration_cast<std::chrono::seconds>(pause_) + kTalkGrace);
    if (rest_until_joined_) {
      parts_.link.pause_until_joined(pause_);
    } else {
      parts_.link.pause(pause_);
    }
  }
}

void Heartbeat::talk_over(LinkClient& client) {
  {
    std::lock_guard lock(mutex_);
    client_ = &client;
  }
  while (!parts_.link.stopping() && beat(client)) {
    const auto hold = pace_.hold(std::chrono::steady_clock::now());
    talking_.expect(std::chrono::duration_cast<std::chrono::seconds>(hold) + kTalkGrace);
    if (hold.count() > 0) parts_.link.pause(hold);
  }
  std::lock_guard lock(mutex_);
  client_ = nullptr;
}

// Says so, and how long to wait: the longer, the less another attempt promises.
void Heartbeat::lost(const Error& error) {
  const Standing standing = standing_of(error);
  const bool other_server_helps =
      standing == Standing::server_away || standing == Standing::server_unverified;
  pause_ = backoff_.next(longest_pause(standing));
  rest_until_joined_ = !other_server_helps;
  parts_.contact.failed(parts_.link.server_url(), error, pause_);
  parts_.events.save_again();
  parts_.contact.set_queue(parts_.events.size(), parts_.events.problem());
  body_.resend_all();
  if (other_server_helps) parts_.link.failed();
}

std::string Heartbeat::body(const std::vector<std::string>& acknowledged,
                            const std::vector<QueuedEvent>& events) {
  LocalReport report = recent_report();
  const MachineFigures figures = machine_.figures(parts_.config.state_dir);
  const Json head{{"sequence", ++sequence_},
                  {"boot_id", parts_.link.boot_id()},
                  {"instance", instance_},
                  {"agent_version", kAgentVersion},
                  {"cpu_percent", figures.cpu_percent},
                  {"memory_percent", figures.memory_percent},
                  {"disk_percent", figures.disk_percent},
                  {"definitions_etag", parts_.definitions.current()->etag},
                  {"acknowledged", acknowledged}};
  {
    std::lock_guard lock(mutex_);
    reported_roles_ = report.roles;
  }
  std::string text =
      body_.write(head, {{"role_report", std::move(report.roles)},
                         {"listening_ports", std::move(report.listening_ports)},
                         {"plugins", plugins_.text(parts_.registry.plugins(), real_clock().now())},
                         {"os_info", os_info_}});
  if (events.empty()) return text;
  text.back() = ',';  // the closing brace
  text += "\"task_events\":[";
  for (const QueuedEvent& event : events) text += event.text + ',';
  text.back() = ']';
  return text + '}';
}

// Time for what was just ordered to get somewhere: its first news and the next report are one then.
void Heartbeat::pause_for_work() {
  parts_.events.reserve();
  std::unique_lock lock(mutex_);
  poked_.wait_for(lock, kWorkPause, [this] { return hurry_ || stopping_; });
}

Result<HttpAnswer> Heartbeat::report(LinkClient& client,
                                     const std::vector<std::string>& acknowledged,
                                     const std::vector<QueuedEvent>& events) {
  {
    std::lock_guard lock(mutex_);
    hurry_ = false;
    on_the_way_ = true;
  }
  // The first answer is not waited for: it says whether the server takes us at all.
  const std::chrono::seconds wait =
      parts_.contact.has_reached_server() ? pace_.next_wait() : std::chrono::seconds(0);
  talking_.expect(wait + parts_.config.answer_limit + kTalkGrace);
  HttpRequest request;
  request.method = "POST";
  request.path = parts_.link.node_path("heartbeat?wait=" + std::to_string(wait.count()));
  request.headers["Content-Type"] = "application/json";
  request.body = body(acknowledged, events);
  request.time_limit = wait + parts_.config.answer_limit;
  request.max_answer = kMaxAnswer;
  Result<HttpAnswer> answer = client.send(request);
  std::lock_guard lock(mutex_);
  on_the_way_ = false;
  return answer;
}

// One report and its answer. False: the connection is not to be used further now.
bool Heartbeat::beat(LinkClient& client) {
  const std::vector<std::string> acknowledged = parts_.commands.to_acknowledge();
  const std::vector<QueuedEvent> events =
      carries_events_ ? parts_.events.oldest(kEvents) : std::vector<QueuedEvent>();
  parts_.events.carry(events);
  const Result<HttpAnswer> answer = report(client, acknowledged, events);
  const Result<Json> said = answer ? understand(*answer) : Result<Json>(as_away(answer.error()));
  if (said) parts_.events.drop(events);
  parts_.events.put_down();
  carries_events_ = said || !answer;
  if (said) {
    if (!events.empty()) pace_.refund();
    parts_.commands.confirm(acknowledged);
    return took(*said, client);
  }
  if (said.error().reason == "interrupted") {
    // If the server has not read that body, it asks for the parts whose hash it does not know.
    body_.delivered();
    return true;
  }
  // The node has joined again while this was on its way.
  if (answer && answer->status == 401 && parts_.link.credential().take_from_disk()) return true;
  lost(said.error());
  return false;
}

bool Heartbeat::took(const Json& said, LinkClient& client) {
  backoff_.reset();
  rest_until_joined_ = false;
  body_.delivered();
  parts_.contact.reached(parts_.link.server_url());
  parts_.events.save_again();
  parts_.contact.set_queue(parts_.events.size(), parts_.events.problem());
  obey(said);
  const std::string etag = parts_.definitions.current()->etag;
  if (wanted_etag_ == etag || wanted_etag_.empty()) return true;
  if (Status refreshed = parts_.definitions.refresh(client); !refreshed) {
    log_event(LogLevel::warning, "definitions.unavailable", {{"detail", refreshed.error().text()}});
    pause_ = backoff_.next();
    return false;
  }
  // What it is called does not matter as long as it is the newest.
  wanted_etag_ = parts_.definitions.current()->etag;
  std::lock_guard lock(mutex_);
  latest_good_ = false;
  return true;
}

void Heartbeat::obey(const Json& said) {
  if (said.is_null()) return;
  body_.resend(texts(said, "resend"));
  if (auto interval = said.find("heartbeat_interval_seconds");
      interval != said.end() && interval->is_number_integer()) {
    pace_.set_interval(std::chrono::seconds(interval->get<std::int64_t>()));
  }
  if (auto etag = said.find("definitions_etag"); etag != said.end() && etag->is_string()) {
    wanted_etag_ = etag->get<std::string>();
  }
  if (parts_.commands.take(said["commands"])) {
    pace_.refund();
    pause_for_work();
  }
}

}  // namespace rolesync::agent
