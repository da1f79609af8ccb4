// SPDX-License-Identifier: Apache-2.0
#include "settle.hpp"

#include <thread>

#include "unit_state.hpp"

namespace systemd_strategy {
namespace {

using rolesync::Code;
using rolesync::Error;
using rolesync::Running;
using rolesync::UnitStatus;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds pause_between_looks{100};

bool needs_no_watch(const UnitStatus& unit) {
  const Running state = to_status(unit).state;
  // A oneshot that remains has no process to watch; a timer's service has run to its end.
  return state == Running::waiting || state == Running::finished ||
         (unit.active_state == "active" && unit.sub_state == "exited");
}

bool is_down(const UnitStatus& unit) {
  return unit.active_state == "failed" || unit.active_state == "inactive";
}

class Watch {
 public:
  Watch(std::string unit, const UnitStatus& first, int restarts_before)
      : unit_(std::move(unit)), started_at_(first.started_at), restarts_before_(restarts_before) {}

  void see(const UnitStatus& now) {
    if (now.restarts > restarts_before_) crashes_ = now.restarts - restarts_before_;
    const bool other_start = now.started_at && started_at_ && *now.started_at != *started_at_;
    const bool again = now.active_state == "activating" && now.sub_state == "auto-restart";
    if (crashes_ == 0 && (other_start || again)) crashes_ = 1;
    if (now.active_state == "failed" && crashes_ == 0) crashes_ = 1;
    if (!now.ended.empty() && now.active_state != "active") ended_ = how_it_ended(now);
    restarts_ = now.restarts - restarts_before_;
  }
  bool crashed() const { return crashes_ > 0; }

  [[noreturn]] void complain(const UnitStatus& now, milliseconds time) const {
    const std::string hint = "look at journalctl -u " + unit_;
    const std::string how = ended_.empty() ? "" : ": " + ended_;
    if (!now.condition.empty() && !crashed()) {
      throw Error(Code::failed, "unit_condition_failed",
                  "unit " + unit_ + " was not started: " + now.condition + " is not met",
                  "make the condition hold on the node, or take it out of the unit file");
    }
    if (!crashed()) {
      throw Error(Code::failed, "service_not_running",
                  "unit " + unit_ + " ended by itself right after its start" + how, hint);
    }
    if (now.active_state == "failed" && restarts_ > 0) {
      throw Error(Code::failed, "unit_start_limit",
                  "unit " + unit_ + " crashed " + std::to_string(restarts_ + 1) +
                      " times, and systemd has given up" + how,
                  hint);
    }
    const std::string often = crashes_ > 1 ? std::to_string(crashes_) + " times " : "";
    throw Error(Code::failed, "service_crashes",
                "unit " + unit_ + " crashed " + often + "within " +
                    std::to_string(time.count() / 1000) + " s of its start" + how,
                hint);
  }

 private:
  std::string unit_;
  std::optional<std::string> started_at_;
  int restarts_before_, crashes_ = 0, restarts_ = 0;
  std::string ended_;
};

}  // namespace

UnitStatus settle(const rolesync::Host& host, const std::string& unit, UnitStatus now,
                  int restarts_before, milliseconds time) {
  if (needs_no_watch(now)) return now;
  const auto until = steady_clock::now() + time;
  Watch watch(unit, now, restarts_before);
  for (;;) {
    watch.see(now);
    if (is_down(now)) watch.complain(now, time);
    if (steady_clock::now() >= until) break;
    if (host.cancelled()) throw Error(Code::cancelled, "cancelled", "the call was cancelled");
    std::this_thread::sleep_for(pause_between_looks);
    now = host.unit_status(unit);
  }
  if (watch.crashed()) watch.complain(now, time);
  if (to_status(now).state == Running::running) return now;
  throw Error(Code::failed, "service_not_running",
              "unit " + unit + " does not run after its start: " + to_status(now).detail,
              "look at journalctl -u " + unit);
}

}  // namespace systemd_strategy
