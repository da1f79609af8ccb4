// SPDX-License-Identifier: Apache-2.0
#include "server/api/rollout_fields.hpp"

#include <nlohmann/json.hpp>

namespace rolesync::api {
namespace {

using domain::Amount;

constexpr std::int64_t longest_wait = std::int64_t{30} * 24 * 3600;  // seconds
constexpr std::size_t most_batches = 20;
constexpr const char* wanted = "must be a number of nodes like \"3\" or a share like \"25%\"";

std::optional<Amount> take_amount(Fields& fields, const char* field) {
  if (!fields.has(field)) return std::nullopt;
  const std::string text = fields.text(field);
  const auto amount = domain::parse_amount(text);
  if (!amount) fields.fault(std::string("/") + field, wanted);
  return amount;
}

Millis take_seconds(Fields& fields, const char* field) {
  return fields.number(field, 0, longest_wait).value_or(0) * 1000;
}

std::vector<Amount> take_batches(Fields& fields) {
  std::vector<Amount> batches;
  const auto texts = fields.texts("batches").value_or(std::vector<std::string>());
  if (texts.size() > most_batches) fields.fault("/batches", "has more than 20 sizes");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto amount = domain::parse_amount(texts[i]);
    if (amount && amount->value > 0) {
      batches.push_back(*amount);
    } else {
      fields.fault("/batches/" + std::to_string(i), wanted);
    }
  }
  return batches;
}

void check_sense(Fields& fields, const rollout::RolloutOptions& options) {
  if (options.canaries && !options.canary_labels.empty()) {
    fields.fault("/canaries", "cannot be given together with canary_labels");
  }
  if (options.policy.promote_after && !options.canaries && options.canary_labels.empty()) {
    fields.fault("/promote_after_seconds", "means nothing without canaries or canary_labels");
  }
  if (options.policy.max_failed_per_group && options.group_by.empty()) {
    fields.fault("/max_failed_per_group", "means nothing without group_by");
  }
}

}  // namespace

void take_rollout(Fields& fields, rollout::JobOptions& options) {
  options.on_failure = fields.word("on_failure", {"stop", "continue", "ask"});
  Fields inner = fields.object("rollout");
  rollout::RolloutOptions& rollout = options.rollout;
  rollout.policy.batches = take_batches(inner);
  rollout.canaries = take_amount(inner, "canaries");
  rollout.canary_labels = inner.labels("canary_labels");
  if (inner.has("promote_after_seconds")) {
    rollout.policy.promote_after = take_seconds(inner, "promote_after_seconds");
  }
  rollout.policy.min_healthy = take_seconds(inner, "min_healthy_seconds");
  rollout.policy.max_failed = take_amount(inner, "max_failed");
  rollout.policy.max_unreachable = take_amount(inner, "max_unreachable");
  rollout.policy.max_failed_per_group = take_amount(inner, "max_failed_per_group");
  rollout.group_by = inner.text("group_by");
  rollout.policy.stage_at_once =
      static_cast<std::size_t>(inner.number("stage_at_once", 1, 1'000'000).value_or(0));
  rollout.catch_up = take_seconds(inner, "catch_up_seconds");
  check_sense(inner, rollout);
  fields.close("rollout", inner);
}

}  // namespace rolesync::api
