// SPDX-License-Identifier: Apache-2.0
// GET /metrics: counts and states in the text format of Prometheus. Names stay; labels may be
// added. No label takes its value from a request.
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "server/api/api.hpp"
#include "server/api/shapes.hpp"

namespace rolesync::api {
namespace {

using http::Request;
using http::Response;
using Labels = std::vector<std::pair<const char*, std::string>>;

class MetricsText {
 public:
  void family(const char* name, const char* type, const char* help) {
    name_ = name;
    text_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ + " " + type + "\n";
  }
  void value(const Labels& labels, std::uint64_t value) {
    text_ += name_ + "{";
    const char* separator = "";
    for (const auto& [key, label] : labels) {
      text_ += separator + std::string(key) + "=\"" + escaped(label) + "\"";
      separator = ",";
    }
    text_ += "} " + std::to_string(value) + "\n";
  }
  std::string text() && { return std::move(text_); }

 private:
  static std::string escaped(const std::string& label) {
    std::string result;
    for (const char c : label) {
      if (c == '\\' || c == '"') result += '\\';
      result += c == '\n' ? ' ' : c;
    }
    return result;
  }
  std::string name_, text_;
};

void write_nodes(MetricsText& out, const std::vector<rollout::NodePointer>& nodes) {
  std::map<std::string, std::uint64_t> states = {{"online", 0}, {"late", 0}, {"offline", 0}};
  for (const auto& node : nodes) ++states[node->presence];
  out.family("rolesync_nodes", "gauge", "Nodes by presence.");
  for (const auto& [state, count] : states) out.value({{"state", state}}, count);
}

void write_plugins(MetricsText& out, const std::vector<plugin::PluginInfo>& plugins) {
  out.family("rolesync_plugin_info", "gauge", "Plugins of this server; always 1.");
  for (const auto& info : plugins) {
    out.value({{"name", info.name},
               {"version", info.version},
               {"sha256", info.sha256},
               {"state", plugin::to_word(info.state)},
               {"reason", info.reason},
               {"mode", info.isolated ? "isolated" : "inline"}},
              1);
  }
  out.family("rolesync_plugin_calls_total", "counter", "Calls of a plugin since it was loaded.");
  for (const auto& info : plugins) {
    out.value({{"name", info.name}, {"sha256", info.sha256}}, info.calls);
  }
  out.family("rolesync_plugin_faults_total", "counter",
             "Crashes, hangs and broken protocols of a plugin since it was loaded.");
  for (const auto& info : plugins) {
    out.value({{"name", info.name}, {"sha256", info.sha256}}, info.faults);
  }
}

// Summed over nodes: one line per plugin, version and state, not per node.
void write_node_plugins(MetricsText& out, const std::vector<rollout::NodePointer>& nodes) {
  std::map<std::array<std::string, 3>, std::uint64_t> counts;
  std::map<std::string, std::uint64_t> faults;
  for (const auto& node : nodes) {
    if (!node->parts->plugins) continue;
    for (const auto& plugin : node->parts->plugins->all) {
      ++counts[{plugin.name, plugin.version, plugin.state}];
      faults[plugin.name] += plugin.faults;
    }
  }
  out.family("rolesync_node_plugins", "gauge", "Nodes that have a plugin, by version and state.");
  for (const auto& [key, count] : counts) {
    out.value({{"name", key[0]}, {"version", key[1]}, {"state", key[2]}}, count);
  }
  out.family("rolesync_node_plugin_faults", "gauge", "Faults of a plugin, as nodes report them.");
  for (const auto& [name, count] : faults) out.value({{"name", name}}, count);
}

Response metrics(Api& api) {
  MetricsText out;
  const auto nodes = api.engine.nodes.all();
  out.family("rolesync_info", "gauge", "This server; always 1.");
  out.value({{"version", api.options.version}}, 1);
  write_nodes(out, nodes);
  write_plugins(out, api.engine.registry.plugins());
  write_node_plugins(out, nodes);
  return {
      200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, std::move(out).text()};
}

}  // namespace

void add_metrics_routes(http::Router& router, Api& api) {
  router.on("GET", "/metrics", http::Policy::scope("read"),
            [&api](const Request&) { return metrics(api); });
}

}  // namespace rolesync::api
