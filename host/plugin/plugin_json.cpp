// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/plugin_json.hpp"

#include <nlohmann/json.hpp>

namespace rolesync::plugin {
namespace {

Json provided_to_json(const Provided& provided) {
  const auto options = parse_json(provided.options_schema);
  return {{"kind", provided.kind},         {"id", provided.id},
          {"summary", provided.summary},   {"needs", provided.needs},
          {"parallel", provided.parallel}, {"options", options ? *options : Json::object()},
          {"timeouts", provided.timeouts}};
}

}  // namespace

Json plugin_to_json(const PluginInfo& info) {
  Json provides = Json::array();
  for (const Provided& provided : info.provides) provides.push_back(provided_to_json(provided));
  Json fault;
  if (info.last_fault) {
    fault = {{"reason", info.last_fault->reason},
             {"message", info.last_fault->message},
             {"at", to_rfc3339(info.last_fault->at)}};
  }
  return {{"name", info.name},
          {"version", info.version},
          {"sha256", info.sha256},
          {"path", info.path.string()},
          {"abi", info.abi},
          {"state", to_word(info.state)},
          {"reason", info.reason},
          {"detail", info.detail},
          {"isolated", info.isolated},
          {"calls", info.calls},
          {"faults", info.faults},
          {"last_fault", std::move(fault)},
          {"provides", std::move(provides)}};
}

}  // namespace rolesync::plugin
