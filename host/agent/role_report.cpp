// SPDX-License-Identifier: Apache-2.0
#include "host/agent/role_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "host/agent/log.hpp"
#include "host/agent/running.hpp"

namespace rolesync::agent {
namespace {

constexpr std::size_t kMaxDriftListed = 100;
// For answers of isolated plugins, in each look.
constexpr std::chrono::milliseconds kPatience{500};
// A report that differs only in when it was verified is not worth sending more often.
constexpr Millis kVerifiedStep = Millis{10} * 60 * 1000;

Json no_release() {
  return {{"version", nullptr},     {"content_id", nullptr},  {"role_revision", nullptr},
          {"verified_at", nullptr}, {"drift", Json::array()}, {"drift_count", 0}};
}

Json release_facts(const Release& release, const Proof& proof) {
  Json drift = Json::array();
  for (const Drift& each : proof.drift) {
    if (drift.size() == kMaxDriftListed) break;
    drift.push_back({{"path", each.path}, {"kind", to_word(each.kind)}});
  }
  return {{"version", release.commit},
          {"content_id", release.content_id},
          {"role_revision", release.role_revision},
          {"drift", std::move(drift)},
          {"drift_count", proof.drift.size()}};
}

Sight sight_of(const Role& role, const Facts& facts, const std::optional<ServiceState>& service) {
  Sight sight;
  sight.service = service;
  const auto path = facts.path_exists.find(role.target_path);
  if (path != facts.path_exists.end()) {
    sight.path_exists = path->second;
    const auto error = facts.path_errors.find(role.target_path);
    if (error != facts.path_errors.end()) sight.path_error = error->second;
  } else if (!role.target_path.empty()) {
    sight.path_error = "path_not_allowed";  // the node's config keeps it from us
  }
  return sight;
}

bool listens(const Facts& facts, int port) {
  return std::any_of(facts.ports.begin(), facts.ports.end(),
                     [&](const ListeningPort& each) { return each.port == port; });
}

}  // namespace

void RoleReporter::touch(const std::string& role) {
  std::lock_guard lock(mutex_);
  auto it = installed_.find(role);
  if (it != installed_.end()) it->second.schedule.touched();
}

void RoleReporter::touch_all() {
  std::lock_guard lock(mutex_);
  for (auto& [role, state] : installed_) state.schedule.touched();
}

RoleReporter::Installed& RoleReporter::installed(const std::string& role) {
  std::lock_guard lock(mutex_);
  const auto known = installed_.find(role);
  if (known != installed_.end()) return known->second;
  const auto until_daily = until_daily_proof(parts_.node_id, role, parts_.clock.now());
  return installed_.try_emplace(role, full_first_, until_daily).first->second;
}

// Which paths may be looked at is a matter of the config and many readlinks: asked once.
const FactQuestion& RoleReporter::question(const std::shared_ptr<const Definitions>& definitions) {
  if (asked_for_ == definitions) return question_;
  question_ = {};
  for (const Role& role : definitions->roles) {
    if (!role.target_path.empty() && parts_.plugins.may_look_at(role.target_path)) {
      question_.paths.insert(role.target_path);
    }
    for (std::string& unit : parts_.plugins.units_of(role)) question_.units.insert(std::move(unit));
  }
  asked_for_ = definitions;
  return question_;
}

void RoleReporter::learn_releases() {
  std::lock_guard lock(look_mutex_);
  for (const Role& role : parts_.definitions.current()->roles) {
    const auto held = parts_.installations.try_hold(role);
    if (held && *held) take_release(installed(role.name), (**held)->current());
  }
}

LocalReport RoleReporter::look(Occasion occasion) {
  std::lock_guard lock(look_mutex_);
  const std::shared_ptr<const Definitions> definitions = parts_.definitions.current();
  const std::shared_ptr<const Facts> facts =
      collect_facts(question(definitions), parts_.units, parts_.ports);
  std::set<std::string> asked;
  for (const Role& role : definitions->roles) {
    const std::string plugin = parts_.plugins.isolated_plugin(role);
    if (plugin.empty()) continue;
    asked.insert(role.name);
    observer_.begin(role.name, plugin, [this, role, facts](const CancelFlag& cancelled) {
      return observe(role, facts, &cancelled);
    });
  }
  const auto until = Observer::Clock::now() + kPatience;
  Json roles = Json::object();
  for (const Role& role : definitions->roles) {
    Installed& state = installed(role.name);
    prove(role, state, occasion);
    const Observation observation =
        asked.count(role.name) ? observer_.take(role.name, until) : observe(role, facts, nullptr);
    roles[role.name] = report_role(role, *facts, state, observation, parts_.clock.boot_id());
  }
  Json ports = Json::array();
  for (const ListeningPort& port : facts->ports) {
    ports.push_back({{"port", port.port},
                     {"address", port.address},
                     {"process", port.process},
                     {"pid", port.pid}});
  }
  return {to_text(roles), to_text(ports)};
}

// Everything is read in slices, elsewhere. What is due now: once that has ended well, a look at the
// stats makes a proof of it.
ProofSchedule::Due RoleReporter::reread(const Role& role, Installed& state,
                                        ProofSchedule::Due due) {
  using Due = ProofSchedule::Due;
  if (!state.rereading) {
    if (due != Due::full) return due;
    rereader_.begin(role);
    state.rereading = true;
  }
  const std::optional<Status> end = rereader_.take(role.name);
  if (end) state.rereading = false;
  const std::lock_guard lock(mutex_);
  state.schedule.reading(state.rereading);
  if (end) return end->ok() ? Due::full : Due::stats;
  return due == Due::full ? Due::no : due;
}

// While a task uses the installation, the last proof stands; the task's own end brings a new one.
void RoleReporter::prove(const Role& role, Installed& state, Occasion occasion) {
  using Due = ProofSchedule::Due;
  const auto begin = parts_.clock.monotonic();
  Due due;
  {
    std::lock_guard lock(mutex_);
    due = state.schedule.due(begin, occasion == Occasion::heartbeat);
  }
  const auto tried = parts_.installations.try_hold(role);
  if (!tried) return take_trouble(state, tried.error());
  const std::optional<Held>& held = *tried;
  if (!held) return;
  const Release* release = (*held)->current();
  const bool same = !state.error_reason.empty() ? false
                    : release ? state.present && release->task_id == state.task_id &&
                                    release->activated_at == state.activation.at
                              : !state.present;
  if (!same) take_release(state, release);
  if (release) due = reread(role, state, due);
  if (same && (!release || due == Due::no)) return;
  prove_now(role, state, *held, begin, due);
}

void RoleReporter::prove_now(const Role& role, Installed& state, const Held& held,
                             std::chrono::steady_clock::time_point begin, ProofSchedule::Due due) {
  using Depth = Prover::Depth;
  const bool all = due == ProofSchedule::Due::full || due == ProofSchedule::Due::stats;
  Result<Proof> proof = parts_.prover.prove(role, *held, all ? Depth::stats : Depth::needed);
  const Release* release = held->current();
  const auto cost =
      std::chrono::duration_cast<std::chrono::microseconds>(parts_.clock.monotonic() - begin);
  {
    std::lock_guard lock(mutex_);
    state.schedule.watched(parts_.prover.watches(role.name));
    state.schedule.proved(begin, cost, due);
  }
  state.error = proof ? "" : proof.error().text();
  state.error_reason = proof ? "" : "proof_failed";
  if (!proof || !release) return;
  state.verified_at = proof->verified_at;
  Json facts = release_facts(*release, *proof);
  Json before = *state.facts;
  before.erase("verified_at");
  if (facts != before || state.verified_at - state.reported_at >= kVerifiedStep) {
    state.reported_at = state.verified_at;
  }
  facts["verified_at"] = to_rfc3339(state.reported_at);
  state.facts = std::make_shared<Json>(std::move(facts));
}

void RoleReporter::take_release(Installed& state, const Release* release) {
  state.present = release != nullptr;
  state.task_id = release ? release->task_id : "";
  state.activation = release ? activation_of(*release) : Moment();
  Json facts = no_release();
  if (release) facts.update(release_facts(*release, Proof()));
  state.facts = std::make_shared<Json>(std::move(facts));
  state.error.clear();
  state.error_reason.clear();
  state.reported_at = 0;
}

// What is installed is not known: nothing is said of it, least of all that there is nothing.
void RoleReporter::take_trouble(Installed& state, const Error& error) {
  if (state.present) take_release(state, nullptr);
  state.error = error.text();
  state.error_reason = error.reason;
}

namespace {

// What to say of a role when a plugin could not say it.
Detection plugin_failed(const Error& error) {
  Detection detection;
  detection.reason = error.reason;
  detection.detail = "plugin fault: " + error.text();
  detection.evidence = std::make_shared<Json>(Json{{"detail", error.text()}});
  return detection;
}

}  // namespace

Observation RoleReporter::observe(const Role& role, const std::shared_ptr<const Facts>& facts,
                                  const CancelFlag* cancelled) const {
  UnitsOfFacts units(facts, parts_.units);
  PortsOfFacts ports(facts);
  Observation seen;
  if (has_service(role)) {
    Result<ServiceState> asked = parts_.plugins.service(role, "status", units, ports, cancelled);
    seen.service =
        asked ? std::move(*asked)
              : ServiceState{"unknown", {}, {}, asked.error().message, asked.error().reason};
    if (!asked && asked.error().reason.starts_with("plugin_")) {
      seen.detection = plugin_failed(asked.error());
      return seen;
    }
  }
  Result<Detection> detected =
      parts_.plugins.detect(role, sight_of(role, *facts, seen.service), units, ports, cancelled);
  seen.detection = detected ? std::move(*detected) : plugin_failed(detected.error());
  return seen;
}

Json RoleReporter::report_role(const Role& role, const Facts& facts, const Installed& state,
                               const Observation& observation, const std::string& boot_id) {
  const auto& [service, detection] = observation;
  const auto path = facts.path_exists.find(role.target_path);
  const bool path_exists = path != facts.path_exists.end() && path->second;
  Json listening = Json::array();
  if (role.health_check_port && listens(facts, *role.health_check_port)) {
    listening.push_back(*role.health_check_port);
  }
  Json running_service;
  if (service && service->state != "unknown") running_service = service->state == "running";
  const char* running = "unknown";
  if (state.present && !has_service(role)) running = "current";
  if (state.present && service) running = running_fact(*service, state.activation, boot_id);
  Json report = state.facts ? *state.facts : no_release();
  report.update({{"path_exists", path_exists},
                 {"service_running", std::move(running_service)},
                 {"ports", std::move(listening)},
                 {"state", detection.state},
                 {"health", detection.health},
                 {"reason", detection.reason},
                 {"detail", detection.detail},
                 {"evidence", *detection.evidence},
                 {"running", running},
                 {"restart_pending", std::string_view(running) == "restart_pending"},
                 {"error", state.error},
                 {"error_reason", state.error_reason}});
  if (!state.present && path != facts.path_exists.end())
    report["target_empty"] = target_is_empty(role);
  return report;
}

}  // namespace rolesync::agent
