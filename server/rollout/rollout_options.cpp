// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/rollout_options.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace rolesync::rollout {
namespace {

using domain::Amount;

constexpr Amount all{100, true};

std::optional<Amount> amount(const Json& json, const char* field) {
  const auto it = json.find(field);
  return it != json.end() && it->is_string() ? domain::parse_amount(it->get<std::string>())
                                             : std::nullopt;
}

std::optional<Millis> seconds(const Json& json, const char* field) {
  const auto it = json.find(field);
  if (it == json.end() || !it->is_number_integer()) return std::nullopt;
  return it->get<Millis>() * 1000;
}

bool is_ill(const NodeView& node) {
  const auto& reports = node.parts->reports;
  return std::any_of(reports.begin(), reports.end(),
                     [](const auto& entry) { return entry.second.health == "failing"; });
}

bool wears(const NodeView& node, const std::map<std::string, std::string>& labels) {
  return std::all_of(labels.begin(), labels.end(), [&](const auto& label) {
    const auto it = node.labels.find(label.first);
    return it != node.labels.end() && it->second == label.second;
  });
}

}  // namespace

Json to_json(const RolloutOptions& options) {
  const domain::RolloutPolicy& policy = options.policy;
  Json json = Json::object();
  for (const Amount& size : policy.batches) json["batches"].push_back(domain::to_text(size));
  if (options.canaries) json["canaries"] = domain::to_text(*options.canaries);
  if (!options.canary_labels.empty()) json["canary_labels"] = options.canary_labels;
  if (policy.promote_after) json["promote_after_seconds"] = *policy.promote_after / 1000;
  if (policy.min_healthy > 0) json["min_healthy_seconds"] = policy.min_healthy / 1000;
  if (policy.max_failed) json["max_failed"] = domain::to_text(*policy.max_failed);
  if (policy.max_unreachable) json["max_unreachable"] = domain::to_text(*policy.max_unreachable);
  if (policy.max_failed_per_group) {
    json["max_failed_per_group"] = domain::to_text(*policy.max_failed_per_group);
  }
  if (!options.group_by.empty()) json["group_by"] = options.group_by;
  if (policy.stage_at_once > 0) json["stage_at_once"] = policy.stage_at_once;
  if (options.catch_up > 0) json["catch_up_seconds"] = options.catch_up / 1000;
  return json;
}

RolloutOptions rollout_options_from_json(const Json& json) {
  RolloutOptions options;
  if (!json.is_object()) return options;
  domain::RolloutPolicy& policy = options.policy;
  for (const Json& size : json.value("batches", Json::array())) {
    if (const auto parsed = domain::parse_amount(size.get<std::string>())) {
      policy.batches.push_back(*parsed);
    }
  }
  options.canaries = amount(json, "canaries");
  options.canary_labels = json.value("canary_labels", options.canary_labels);
  policy.promote_after = seconds(json, "promote_after_seconds");
  policy.min_healthy = seconds(json, "min_healthy_seconds").value_or(0);
  policy.max_failed = amount(json, "max_failed");
  policy.max_unreachable = amount(json, "max_unreachable");
  policy.max_failed_per_group = amount(json, "max_failed_per_group");
  options.group_by = json.value("group_by", "");
  policy.stage_at_once = json.value("stage_at_once", std::size_t{0});
  options.catch_up = seconds(json, "catch_up_seconds").value_or(0);
  return options;
}

domain::RolloutPolicy policy_of(const RolloutOptions& options, const std::string& on_failure,
                                Millis created_at) {
  domain::RolloutPolicy policy = options.policy;
  policy.ask = on_failure == "ask";
  if (on_failure == "continue") {
    policy.max_failed = policy.max_failed.value_or(all);
    policy.max_unreachable = policy.max_unreachable.value_or(all);
  }
  if (options.catch_up > 0) policy.catch_up_until = created_at + options.catch_up;
  return policy;
}

Placements place(const RolloutOptions& options, const std::vector<std::string>& nodes,
                 const NodeRegistry& registry) {
  Placements placements;
  const std::size_t canaries =
      options.canaries ? options.canaries->at_least_one_of(nodes.size()) : 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    Placement placement;
    placement.canary = i < canaries;
    placement.weight = 1;
    if (const NodePointer node = registry.find(nodes[i])) {
      if (!options.canary_labels.empty() && wears(*node, options.canary_labels)) {
        placement.canary = true;
      }
      const auto group = node->labels.find(options.group_by);
      if (group != node->labels.end()) placement.group = group->first + "=" + group->second;
      if (is_ill(*node)) placement.weight = 0;
    }
    if (placement.canary || !placement.group.empty() || placement.weight == 0) {
      placements[nodes[i]] = placement;
    }
  }
  return placements;
}

std::string placements_to_text(const Placements& placements) {
  Json json = Json::object();
  for (const auto& [node, placement] : placements) {
    json[node] = {
        {"canary", placement.canary}, {"group", placement.group}, {"weight", placement.weight}};
  }
  return json.empty() ? "" : to_text(json);
}

Placements placements_from_text(const std::string& text) {
  Placements placements;
  const auto json = parse_json(text.empty() ? "{}" : text, {256 << 20, 8});
  if (!json || !json->is_object()) return placements;
  for (const auto& [node, entry] : json->items()) {
    placements[node] = {entry.value("canary", false), entry.value("group", ""),
                        entry.value("weight", 1)};
  }
  return placements;
}

}  // namespace rolesync::rollout
