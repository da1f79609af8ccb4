// SPDX-License-Identifier: Apache-2.0
#include "host/agent/plugin_report.hpp"

#include <nlohmann/json.hpp>

#include "host/plugin/plugin_json.hpp"

namespace rolesync::agent {
namespace {

constexpr Millis kCallsEvery = Millis{10} * 60 * 1000;

}  // namespace

const std::string& PluginReport::text(const std::vector<plugin::PluginInfo>& plugins, Millis now) {
  Json list = Json::array(), still = Json::array();
  for (const plugin::PluginInfo& info : plugins) {
    list.push_back(plugin_to_json(info));
    still.push_back(list.back());
    still.back().erase("calls");
  }
  std::string without_calls = to_text(still);
  if (without_calls == without_calls_ && now - made_at_ < kCallsEvery) return text_;
  without_calls_ = std::move(without_calls);
  made_at_ = now;
  return text_ = to_text(list);
}

}  // namespace rolesync::agent
