// SPDX-License-Identifier: Apache-2.0
#include "host/cli/rollout_options.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "host/cli/label_words.hpp"

namespace rolesync::cli {
namespace {

constexpr const char* group = "Rollout";

CLI::Option* add(CLI::App& app, const char* name, auto& value, const char* help) {
  return app.add_option(name, value, help)->group(group);
}

Json batches_of(const std::string& text) {
  Json batches = Json::array();
  std::istringstream sizes(text);
  for (std::string size; std::getline(sizes, size, ',');) batches.push_back(size);
  return batches;
}

}  // namespace

void add_rollout(CLI::App& app, RolloutOptions& options) {
  add(app, "--on-failure", options.on_failure,
      "more nodes fail than may: stop (default; while staging nothing is switched), ask (pause) "
      "or continue")
      ->check(CLI::IsMember({"stop", "ask", "continue"}));
  add(app, "--batch", options.batches,
      "nodes at once, like 5 or 25%; a list like 1,5,25% are batches that end before the next");
  add(app, "--canaries", options.canaries, "so many nodes first; the others wait for job promote");
  add(app, "--canary-label", options.canary_labels, "KEY=VALUE: nodes with this label first")
      ->allow_extra_args(false);
  add(app, "--promote-after", options.promote_after,
      "seconds after the last canary until the others follow by themselves")
      ->check(CLI::NonNegativeNumber);
  add(app, "--min-healthy", options.min_healthy,
      "seconds a switched node must stay healthy until it counts as done")
      ->check(CLI::PositiveNumber);
  add(app, "--max-failed", options.max_failed, "nodes that may fail, like 2 or 5% (default 0)");
  add(app, "--max-unreachable", options.max_unreachable,
      "nodes that may be lost while at work (default 0)");
  add(app, "--max-failed-per", options.max_failed_per_group,
      "LABEL=AMOUNT, like rack=1: nodes that may fail of those that share the label's value");
  add(app, "--stage-at-once", options.stage_at_once, "nodes that fetch at the same time")
      ->check(CLI::PositiveNumber);
  add(app, "--catch-up", options.catch_up,
      "nodes that are away hold up nobody and follow if they return within so many seconds")
      ->check(CLI::PositiveNumber);
}

Status say_rollout(const RolloutOptions& options, Json& request) {
  if (!options.on_failure.empty()) request["on_failure"] = options.on_failure;
  Json rollout = Json::object();
  if (!options.batches.empty()) rollout["batches"] = batches_of(options.batches);
  if (!options.canaries.empty()) rollout["canaries"] = options.canaries;
  if (!options.canary_labels.empty()) {
    auto labels = labels_from_words(options.canary_labels);
    if (!labels) return labels.error();
    rollout["canary_labels"] = std::move(*labels);
  }
  if (options.promote_after >= 0) rollout["promote_after_seconds"] = options.promote_after;
  if (options.min_healthy > 0) rollout["min_healthy_seconds"] = options.min_healthy;
  if (!options.max_failed.empty()) rollout["max_failed"] = options.max_failed;
  if (!options.max_unreachable.empty()) rollout["max_unreachable"] = options.max_unreachable;
  if (const std::string& per = options.max_failed_per_group; !per.empty()) {
    const auto equals = per.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{ErrorKind::invalid, "usage", "--max-failed-per " + per + " has no label",
                   "write LABEL=AMOUNT, like rack=1"};
    }
    rollout["group_by"] = per.substr(0, equals);
    rollout["max_failed_per_group"] = per.substr(equals + 1);
  }
  if (options.stage_at_once > 0) rollout["stage_at_once"] = options.stage_at_once;
  if (options.catch_up > 0) rollout["catch_up_seconds"] = options.catch_up;
  if (!rollout.empty()) request["rollout"] = std::move(rollout);
  return {};
}

}  // namespace rolesync::cli
