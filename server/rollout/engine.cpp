// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/engine.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "host/services/own_process.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/events.hpp"

namespace rolesync::rollout {
namespace {

constexpr Millis minute = 60'000;

http::EventHubOptions hub_options(store::Store& store) {
  http::EventHubOptions options;
  const auto last = store.read([](store::Session& s) { return store::last_event(s); });
  if (last) options.last_id = static_cast<std::uint64_t>(*last);
  options.older = [&store](std::uint64_t after, std::uint64_t up_to) {
    std::vector<http::Event> events;
    const auto records = store.read([&](store::Session& s) {
      return store::events_after(s, static_cast<std::int64_t>(after), 5'000);
    });
    if (!records) return events;
    for (const auto& record : *records) {
      const auto id = static_cast<std::uint64_t>(record.sequence);
      if (id <= up_to) events.push_back({id, record.kind, record.data});
    }
    return events;
  };
  return options;
}

}  // namespace

Engine::Engine(store::Store& store_, plugin::Registry& registry_, source::SourceService& service,
               EngineOptions options_)
    : store(store_),
      registry(registry_),
      source(service),
      options(std::move(options_)),
      hub(hub_options(store)),
      events(store, hub),
      catalog(registry, store, options.defaults),
      nodes(options.presence),
      commands(store),
      heartbeats(store, nodes, commands, catalog, events, options.heartbeat_interval_seconds,
                 options.presence),
      intake(store, source, catalog, nodes, commands, streams, events),
      poller(store, [this](const std::string& name) { intake.poll(name); }),
      inquiries(commands),
      trees(store, source, catalog, nodes, inquiries, identifications),
      planner(registry, catalog, nodes, intake, source, identifications),
      plans(store, planner),
      desk(store, planner, catalog, nodes),
      runner(store, commands, nodes, events, options.limits),
      actions(store, commands, nodes, catalog, heartbeats, events, options.limits),
      scheduler({store, plans, desk, runner, nodes, events}),
      offers(store, registry, source, streams, options.offers),
      leadership(store),
      follower(*this) {}

Engine::~Engine() {
  stop();
}

Status Engine::start() {
  if (Status loaded = nodes.load(store); !loaded) return loaded;
  if (Status loaded = commands.load(); !loaded) return loaded;
  for (const NodePointer& node : nodes.all()) {
    if (node->drained_at) commands.hold(node->id, true);
  }
  commands.on_new([this](const std::string& node) { heartbeats.wake(node); });
  heartbeats.on_report([this](const NodePointer& before, const NodePointer& after) {
    report_changed(before, after);
  });
  if (Status loaded = catalog.reload(true); !loaded) return loaded;
  catalog.on_change([this] { catalog_changed(); });
  registry.on_change([signals = signals_] {
    // On the watcher's thread: asking plugins may take its time, so the ticker does it.
    const std::lock_guard lock(signals->mutex);
    signals->plugins_changed = true;
    signals->wake.notify_all();
  });
  intake.start();
  if (Status resumed = runner.resume(); !resumed) return resumed;
  if (Status loaded = actions.load(); !loaded) return loaded;
  follower.start();
  ticked_at_ = now_millis();
  ticker_ = std::thread([this] { watch_time(); });
  return {};
}

void Engine::stop() {
  {
    const std::lock_guard lock(signals_->mutex);
    signals_->stopping = true;
  }
  signals_->wake.notify_all();
  if (ticker_.joinable()) {
    ticker_.join();
    follower.stop();
    runner.give_up_leases();
    leadership.give_up();
  }
  inquiries.end_all();
  intake.stop();
}

Status Engine::take_events(const std::string& node, std::vector<ReportedEvent> events) {
  const auto of_actions = std::stable_partition(
      events.begin(), events.end(),
      [](const ReportedEvent& event) { return !RoleActions::is_action(event.record.task_id); });
  const std::vector<ReportedEvent> about_actions(of_actions, events.end());
  events.erase(of_actions, events.end());
  if (!about_actions.empty()) {
    if (Status taken = actions.report(node, about_actions); !taken) return taken;
  }
  return events.empty() ? Status() : runner.report(node, events);
}

void Engine::follow_catalog() {
  following_ = true;
  const Status reloaded = catalog.reload(false);
  following_ = false;
  if (!reloaded) spdlog::error("roles not reloaded: {}", reloaded.error().text());
}

void Engine::catalog_changed() {
  if (!following_) {
    events.publish({.type = "role_changed", .message = "the role definitions have changed"});
  }
  intake.import_again();
  heartbeats.wake_all();
}

// Tells what became different about a role on a node.
void Engine::report_changed(const NodePointer& before, const NodePointer& after) {
  const auto known = catalog.get();
  for (const auto& [role, report] : after->parts->reports) {
    const auto it = before->parts->reports.find(role);
    const domain::RoleReport old =
        it == before->parts->reports.end() ? domain::RoleReport{} : it->second;
    const bool same = old.state == report.state && old.health == report.health &&
                      old.running == report.running && old.content_id == report.content_id &&
                      old.drift_count == report.drift_count && old.error == report.error &&
                      old.error_reason == report.error_reason;
    const auto definition = known->roles.find(role);
    if (same || definition == known->roles.end() || !definition->second.effective) continue;
    const auto counting = heartbeats.effective_roles(*after);
    const bool counts = std::find(counting.begin(), counting.end(), role) != counting.end();
    if (!counts && !report.installed() && !old.installed()) continue;
    const auto& effective = *definition->second.effective;
    const auto state =
        domain::version_state(counts, !effective.role.source_paths.empty(), &report,
                              effective.revision, intake.newest(role, effective.revision));
    std::string message = role + " on " + after->id + ": version " + state.state + ", " +
                          report.state + ", health " + report.health;
    if (!report.drift.empty()) message += ", differs: " + report.drift.front().path;
    events.publish({.type = "role_state_changed",
                    .message = message,
                    .node = after->id,
                    .role = role,
                    .commit = report.commit,
                    .state = state.state,
                    .reason = state.reason});
  }
}

void Engine::watch_time() {
  while (true) {
    bool plugins = false;
    {
      Signals& signals = *signals_;
      std::unique_lock lock(signals.mutex);
      signals.wake.wait_for(lock, options.tick,
                            [&] { return signals.stopping || signals.plugins_changed; });
      if (signals.stopping) return;
      plugins = std::exchange(signals.plugins_changed, false);
    }
    if (plugins) {
      const Status reloaded = catalog.reload(true);
      if (!reloaded) spdlog::error("roles not reloaded: {}", reloaded.error().text());
      events.publish({.type = "plugins_changed", .message = "the server's plugins have changed"});
    }
    const Millis now = now_millis();
    const bool leads = leadership.ask();
    if (leads && !std::exchange(led_, leads)) scheduler.changed();
    led_ = leads;
    ticked_at_ = now;
    for (const NodePointer& node : nodes.update_presence(now)) {
      if (!leads) continue;
      events.publish({.type = "node_changed",
                      .message = "node " + node->id + " is " + node->presence,
                      .node = node->id,
                      .state = node->presence});
    }
    runner.tick();
    inquiries.tick(now);
    if (leads) actions.tick();
    if (leads) scheduler.tick(now);
    if (leads) poller.tick(now);
    heartbeats.forget_clones(now);
    heartbeats.flush_last_seen(now);
    if (now - gave_back_at_ > minute) {
      gave_back_at_ = now;
      give_back_memory();
    }
    if (now - tidied_at_ > options.tidy_every.count() * 1000) tidy(now, leads);
  }
}

void Engine::tidy(Millis now, bool leads) {
  tidied_at_ = now;
  const auto stopping = [this] {
    const std::lock_guard lock(signals_->mutex);
    return signals_->stopping;
  };
  const Status done = leads ? forget_old(store, options.retention, now, stopping) : Status{};
  if (!done) spdlog::error("old records not removed: {}", done.error().text());
  const auto collected = source.collect();
  if (!collected) {
    spdlog::warn("cache not collected: {}", collected.error().text());
  } else if (collected->blobs > 0) {
    spdlog::info("event=cache_collected contents={} files={} bytes={} kept_bytes={}",
                 collected->contents.size(), collected->blobs, collected->bytes,
                 collected->bytes_kept);
  }
}

}  // namespace rolesync::rollout
