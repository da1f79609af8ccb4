// SPDX-License-Identifier: Apache-2.0
// GET /metrics: counts and states in the text format of Prometheus. Names stay; labels may be
// added. No label takes its value from a request, and what nodes may make up is bounded.
#include <array>
#include <map>
#include <set>

#include "server/api/api.hpp"
#include "server/api/body.hpp"
#include "server/api/metric_families.hpp"
#include "server/api/process_metrics.hpp"
#include "server/domain/version_state.hpp"
#include "server/store/sources.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;

constexpr std::size_t most_plugin_names = 200;  // that nodes tell of

void write_nodes(MetricFamilies& out, const std::vector<rollout::NodePointer>& nodes) {
  std::map<std::string, std::uint64_t> states = {
      {"online", 0}, {"late", 0}, {"offline", 0}, {"revoked", 0}};
  std::uint64_t drained = 0;
  for (const auto& node : nodes) {
    ++states[node->presence];
    if (node->drained_at) ++drained;
  }
  out.gauge("rolesync_nodes", "Nodes by presence.");
  for (const auto& [state, count] : states) {
    out.value({{"state", state}}, static_cast<double>(count));
  }
  out.gauge("rolesync_nodes_drained", "Nodes that are left out of plans.");
  out.value(static_cast<double>(drained));
}

// Roles times states, however many nodes there are.
void write_roles(MetricFamilies& out, Api& api, const std::vector<rollout::NodePointer>& nodes) {
  const auto catalog = api.engine.catalog.get();
  std::map<std::pair<std::string, std::string>, std::uint64_t> versions;
  std::map<std::string, std::uint64_t> failing;
  for (const auto& node : nodes) {
    for (const std::string& name : api.engine.heartbeats.effective_roles(*node)) {
      const auto* role = catalog->find(name);
      if (!role || !role->effective) continue;
      const auto& effective = *role->effective;
      const auto measured = node->parts->reports.find(name);
      const auto* report = measured == node->parts->reports.end() ? nullptr : &measured->second;
      const auto version = domain::version_state(
          true, !effective.role.source_paths.empty(), report, effective.revision,
          api.engine.intake.newest(name, effective.revision));
      ++versions[{name, version.state}];
      failing[name] += report && report->health == "failing" ? 1 : 0;
    }
  }
  out.gauge("rolesync_role_nodes", "Nodes that have a role, by the state of its version there.");
  for (const auto& [key, count] : versions) {
    out.value({{"role", key.first}, {"version", key.second}}, static_cast<double>(count));
  }
  out.gauge("rolesync_role_nodes_failing", "Nodes where a role's health is failing.");
  for (const auto& [role, count] : failing) {
    out.value({{"role", role}}, static_cast<double>(count));
  }
}

void write_plugins(MetricFamilies& out, const std::vector<plugin::PluginInfo>& plugins) {
  out.gauge("rolesync_plugin_info", "Plugins of this server; always 1.");
  for (const auto& info : plugins) {
    out.value({{"name", info.name},
               {"version", info.version},
               {"sha256", info.sha256},
               {"state", plugin::to_word(info.state)},
               {"reason", info.reason},
               {"mode", info.isolated ? "isolated" : "inline"}},
              1);
  }
  out.counter("rolesync_plugin_calls_total", "Calls of a plugin since it was loaded.");
  for (const auto& info : plugins) {
    out.value({{"name", info.name}, {"sha256", info.sha256}}, static_cast<double>(info.calls));
  }
  out.counter("rolesync_plugin_faults_total",
              "Crashes, hangs and broken protocols of a plugin since it was loaded.");
  for (const auto& info : plugins) {
    out.value({{"name", info.name}, {"sha256", info.sha256}}, static_cast<double>(info.faults));
  }
}

// Summed over nodes: one line per plugin, version and state, not per node.
void write_node_plugins(MetricFamilies& out, const std::vector<rollout::NodePointer>& nodes) {
  std::map<std::array<std::string, 3>, std::uint64_t> counts;
  std::map<std::string, std::uint64_t> faults;
  for (const auto& node : nodes) {
    if (!node->parts->plugins) continue;
    for (const auto& plugin : node->parts->plugins->all) {
      std::array<std::string, 3> key = {plugin.name, plugin.version, plugin.state};
      if (counts.size() >= most_plugin_names && !counts.contains(key)) key = {"other", "", ""};
      ++counts[key];
      faults[key[0]] += plugin.faults;
    }
  }
  out.gauge("rolesync_node_plugins", "Nodes that have a plugin, by version and state.");
  for (const auto& [key, count] : counts) {
    out.value({{"name", key[0]}, {"version", key[1]}, {"state", key[2]}},
              static_cast<double>(count));
  }
  out.gauge("rolesync_node_plugin_faults", "Faults of a plugin, as nodes report them.");
  for (const auto& [name, count] : faults) {
    out.value({{"name", name}}, static_cast<double>(count));
  }
}

double seconds_of(Millis at) {
  return static_cast<double>(at) / 1000;
}

void write_sources(MetricFamilies& out, Api& api) {
  const auto sources =
      api.engine.store.read([](store::Session& s) { return store::list_sources(s); });
  if (!sources) return;
  out.gauge("rolesync_source_failed", "Whether the last fetch of a code source failed.");
  for (const auto& source : *sources) {
    out.value({{"source", source.name}}, source.state == "failed" ? 1 : 0);
  }
  out.gauge("rolesync_source_fetched_timestamp_seconds", "When a code source was last fetched.");
  for (const auto& source : *sources) {
    if (source.fetched_at) out.value({{"source", source.name}}, seconds_of(*source.fetched_at));
  }
}

void write_requests(MetricFamilies& out, const ServerParts& parts) {
  if (parts.requests) {
    const auto counts = parts.requests->snapshot();
    out.counter("rolesync_http_requests_total", "Answers by the first digit of their status.");
    constexpr std::array words = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    for (std::size_t i = 0; i < words.size(); ++i) {
      out.value({{"code", words[i]}}, static_cast<double>(counts.by_class[i]));
    }
    out.counter("rolesync_heartbeats_total", "Heartbeats of agents that were answered.");
    out.value(static_cast<double>(counts.heartbeats));
    out.histogram("rolesync_http_request_duration_seconds",
                  "How long requests took, without heartbeats, which wait on purpose.",
                  {http::RequestCounts::ends.begin(), http::RequestCounts::ends.end()},
                  {counts.buckets.begin(), counts.buckets.end()}, counts.seconds);
  }
  if (parts.front) {
    const auto front = parts.front();
    out.gauge("rolesync_http_connections", "Open connections.");
    out.value(static_cast<double>(front.connections));
    out.gauge("rolesync_http_waiting_requests", "Requests that wait for news, without a thread.");
    out.value(static_cast<double>(front.waiting));
    out.gauge("rolesync_http_queued_requests", "Requests that wait for a worker.");
    out.value(static_cast<double>(front.queued));
  }
  if (const auto* certificate = parts.certificate) {
    out.gauge("rolesync_certificate_expiry_timestamp_seconds",
              "When the server's certificate ends.");
    out.value(seconds_of(certificate->state().expires_at));
  }
}

void write_store(MetricFamilies& out, Api& api) {
  const auto counters = api.engine.store.counters();
  out.counter("rolesync_store_writes_total", "Changes that were written.");
  out.value(static_cast<double>(counters.writes));
  out.counter("rolesync_store_commits_total", "Transactions that held them.");
  out.value(static_cast<double>(counters.commits));
  out.counter("rolesync_store_reads_total", "Read transactions.");
  out.value(static_cast<double>(counters.reads));
  out.gauge("rolesync_jobs_running", "Sync jobs that are not over.");
  out.value(static_cast<double>(api.engine.runner.running().size()));
}

Response metrics(Api& api) {
  MetricFamilies out;
  const auto nodes = api.engine.nodes.all();
  out.gauge("rolesync_info", "This server; always 1.");
  out.value({{"version", api.options.version}}, 1);
  write_nodes(out, nodes);
  write_roles(out, api, nodes);
  write_sources(out, api);
  write_store(out, api);
  write_requests(out, api.options.parts);
  write_process(out);
  write_plugins(out, api.engine.registry.plugins());
  write_node_plugins(out, nodes);
  return {200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, out.text()};
}

}  // namespace

void add_metrics_routes(http::Router& router, Api& api) {
  router.on("GET", "/metrics", http::Policy::scope("read"),
            [&api](const Request&) { return metrics(api); });
}

}  // namespace rolesync::api
