// SPDX-License-Identifier: Apache-2.0
// How a job is rolled out, as it was asked for and as the job keeps it; and where that puts each
// node: a canary, a member of a group, sooner or later in its batch. Values; any thread.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>

#include "host/values/json.hpp"
#include "server/domain/rollout.hpp"
#include "server/rollout/node_registry.hpp"

namespace rolesync::rollout {

struct RolloutOptions {
  domain::RolloutPolicy policy;  // without ask and catch_up_until, which the job decides
  std::optional<domain::Amount> canaries;
  std::map<std::string, std::string> canary_labels;  // or these; empty: none
  std::string group_by;                              // the label that names a node's group
  Millis catch_up = 0;
};

// As in the API (schema RolloutOptions); what is not set is left out.
Json to_json(const RolloutOptions& options);
// Of what to_json wrote; anything else counts as not set.
RolloutOptions rollout_options_from_json(const Json& json);

// What a job with these options lives by. `on_failure`: stop, continue, ask.
domain::RolloutPolicy policy_of(const RolloutOptions& options, const std::string& on_failure,
                                Millis created_at);

// Where a node stands in a job; taken when the job is made, so that labels may change meanwhile.
struct Placement {
  bool canary = false;
  std::string group;
  int weight = 1;
};
using Placements = std::map<std::string, Placement>;  // by node; absent: Placement()

// Canaries are the first so many of `nodes`, or those that wear the labels. Nodes that are ill by
// one of their roles' health checks go first: they have the least to lose.
Placements place(const RolloutOptions& options, const std::vector<std::string>& nodes,
                 const NodeRegistry& registry);
std::string placements_to_text(const Placements& placements);
Placements placements_from_text(const std::string& text);

}  // namespace rolesync::rollout
