// SPDX-License-Identifier: Apache-2.0
#include "host/agent/health.hpp"

#include <algorithm>
#include <optional>
#include <thread>

#include "host/services/health_probe.hpp"

namespace rolesync::agent {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A strategy was told not to start what does not run: there is nothing to be healthy.
constexpr const char* kLeftStopped = "service_left_stopped";
constexpr milliseconds kFirstPause{20}, kLongestPause{500};

// The error is that of the first address: the usual one.
Status probe(const Role& role, const std::vector<std::string>& addresses, milliseconds limit) {
  if (!role.health_check_port) return {};
  const int port = *role.health_check_port;
  std::optional<Error> first;
  for (const std::string& address : addresses) {
    const Status probed = role.health_check_path.empty()
                              ? probe_port(address, port, limit)
                              : probe_http(address, port, role.health_check_path, limit);
    if (probed) return {};
    if (!first) first = probed.error();
  }
  return first ? Status(*first) : Status();
}

// Follows the service's state over time: running in one piece, or down for good.
class ServiceWatch {
 public:
  ServiceWatch(milliseconds settle, milliseconds down) : settle_(settle), down_(down) {}

  void see(const ServiceState& now, Clock::time_point at) {
    const bool running =
        now.state == "running" || now.state == "waiting" || now.state == "finished";
    const bool same = known_ && running == running_ && now.started_at == started_at_;
    if (!same) since_ = at;
    known_ = true;
    running_ = running;
    unknown_ = now.state == "unknown";
    started_at_ = now.started_at;
    detail_ = "the service is " + now.state + (now.detail.empty() ? "" : ": " + now.detail);
    at_ = at;
  }
  // A strategy that cannot tell does not stand in the way of a port that answers.
  bool settled() const { return running_ && at_ - since_ >= settle_; }
  bool usable() const { return running_ || unknown_; }
  bool down_for_good() const { return known_ && !usable() && at_ - since_ >= down_; }
  const std::string& detail() const { return detail_; }

 private:
  milliseconds settle_, down_;
  bool known_ = false, running_ = false, unknown_ = false;
  std::optional<Millis> started_at_;
  Clock::time_point since_, at_;
  std::string detail_ = "the service's state is not known";
};

Error unhealthy(const Role& role, const std::string& why) {
  return {ErrorKind::failed, "health_check_failed", "role " + role.name + " is not healthy: " + why,
          "look at the service's own log"};
}

}  // namespace

Status wait_until_healthy(const HealthQuestion& question,
                          const std::function<Result<ServiceState>()>& service) {
  const Role& role = question.role;
  const auto until = Clock::now() + question.limit;
  const bool watched = has_service(role);
  ServiceWatch watch(question.settle, question.down);
  std::string last = "nothing was seen";
  for (milliseconds pause = kFirstPause;; pause = std::min(pause * 2, kLongestPause)) {
    if (watched) {
      Result<ServiceState> state = service();
      if (!state) return unhealthy(role, state.error().message);
      if (state->reason == kLeftStopped) return {};
      watch.see(*state, Clock::now());
    }
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
    Status probed =
        probe(role, question.addresses, std::clamp(left, milliseconds(50), milliseconds(5000)));
    const bool by_port = role.health_check_port && probed.ok() && (!watched || watch.usable());
    const bool by_service = !role.health_check_port && watch.settled();
    if (by_port || by_service) return {};
    last = probed.ok() ? watch.detail() : probed.error().message;
    if (watch.down_for_good()) return unhealthy(role, watch.detail());
    if (question.cancelled && question.cancelled->load()) return unhealthy(role, "cancelled");
    if (Clock::now() + pause >= until) {
      return unhealthy(role,
                       last + ", after " + std::to_string(question.limit.count() / 1000) + " s");
    }
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace rolesync::agent
