// SPDX-License-Identifier: Apache-2.0
#include "host/agent/heartbeat.hpp"

#include <pthread.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/agent/log.hpp"
#include "host/agent/version.hpp"
#include "host/services/clock.hpp"
#include "host/services/own_process.hpp"

namespace rolesync::agent {
namespace {

// Between two reports of our own accord: a service that flaps must not flood the server.
constexpr std::chrono::milliseconds kShortestGap{200};
constexpr std::chrono::seconds kRecent{1};
constexpr std::chrono::minutes kGiveBack{1};
// What a command leads to within this time is said together with its acknowledgement.
constexpr std::chrono::milliseconds kWorkPause{150};
constexpr std::size_t kEvents = 50;

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

}  // namespace

Heartbeat::Heartbeat(Parts parts) : parts_(parts), os_info_(os_info_text()) {}

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
    if (client_ && on_the_way_) client_->http().interrupt();
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
    Result<std::unique_ptr<LinkClient>> connected = parts_.link.connect();
    if (!connected) {
      log_event(LogLevel::error, "server.unusable", {{"detail", connected.error().text()}});
      parts_.link.pause(backoff_.next());
      continue;
    }
    std::unique_ptr<LinkClient> client = std::move(*connected);
    {
      std::lock_guard lock(mutex_);
      client_ = client.get();
    }
    while (!parts_.link.stopping() && beat(*client)) {
    }
    {
      std::lock_guard lock(mutex_);
      client_ = nullptr;
    }
    client.reset();
    if (!parts_.link.stopping()) parts_.link.pause(backoff_.next());
  }
}

std::string Heartbeat::body(const std::vector<std::string>& acknowledged,
                            const std::vector<QueuedEvent>& events) {
  LocalReport report = recent_report();
  const MachineFigures figures = machine_.figures(parts_.config.state_dir);
  const Json head{{"sequence", ++sequence_},
                  {"boot_id", parts_.link.boot_id()},
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
  HttpRequest request;
  request.method = "POST";
  request.path = parts_.link.node_path("heartbeat?wait=" + std::to_string(wait_seconds_));
  request.headers["Content-Type"] = "application/json";
  request.body = body(acknowledged, events);
  request.time_limit = std::chrono::seconds(wait_seconds_ + 15);
  Result<HttpAnswer> answer = client.http().send(request);
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
  const bool taken = answer && (answer->status == 200 || answer->status == 204);
  if (taken) parts_.events.drop(events);
  parts_.events.put_down();
  carries_events_ = taken || !answer;
  if (!answer && answer.error().reason == "interrupted") {
    // If the server has not read that body, it asks for the parts whose hash it does not know.
    body_.delivered();
    return true;
  }
  if (!answer) {
    log_event(LogLevel::warning, "server.away", {{"detail", answer.error().text()}});
    body_.resend_all();
    parts_.link.failed();
    return false;
  }
  if (!taken) {
    const Error refusal = error_from_answer(*answer);
    log_event(LogLevel::error, "heartbeat.refused",
              {{"reason", refusal.reason}, {"detail", refusal.text()}});
    body_.resend_all();
    return false;
  }
  backoff_.reset();
  body_.delivered();
  parts_.commands.confirm(acknowledged);
  if (answer->status == 200) obey(*answer);
  const std::string etag = parts_.definitions.current()->etag;
  if (wanted_etag_ != etag && !wanted_etag_.empty()) {
    if (Status refreshed = parts_.definitions.refresh(client); !refreshed) {
      log_event(LogLevel::warning, "definitions.unavailable",
                {{"detail", refreshed.error().text()}});
      return false;
    }
    // What it is called does not matter as long as it is the newest.
    wanted_etag_ = parts_.definitions.current()->etag;
    std::lock_guard lock(mutex_);
    latest_good_ = false;
  }
  return true;
}

void Heartbeat::obey(const HttpAnswer& answer) {
  Result<Json> said = parse_json(answer.body, {16 << 20, 64});
  if (!said || !said->is_object()) {
    log_event(LogLevel::error, "heartbeat.not_understood");
    return;
  }
  body_.resend(texts(*said, "resend"));
  if (auto interval = said->find("heartbeat_interval_seconds");
      interval != said->end() && interval->is_number_integer()) {
    wait_seconds_ = std::clamp(interval->get<int>(), 1, 300);
  }
  if (auto etag = said->find("definitions_etag"); etag != said->end() && etag->is_string()) {
    wanted_etag_ = etag->get<std::string>();
  }
  if (auto commands = said->find("commands"); commands != said->end()) {
    if (parts_.commands.take(*commands)) pause_for_work();
  }
}

}  // namespace rolesync::agent
