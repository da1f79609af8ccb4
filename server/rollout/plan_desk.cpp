// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/plan_desk.hpp"

#include <nlohmann/json.hpp>

#include "host/values/json.hpp"
#include "server/domain/plan_json.hpp"
#include "server/rollout/wall_clock.hpp"
#include "server/store/plans.hpp"

namespace rolesync::rollout {
namespace {

Json request_json(const PlanRequest& request) {
  Json json = {{"first_install", request.options.first_install},
               {"restart", request.options.restart}};
  if (request.roles) json["roles"] = *request.roles;
  if (request.nodes) json["nodes"] = *request.nodes;
  if (!request.commit.empty()) json["commit"] = request.commit;
  return json;
}

}  // namespace

Result<PlanDesk::Kept> PlanDesk::make(const PlanRequest& asked, const std::string& by,
                                      const std::string& request_id) const {
  auto plan = planner_.plan(asked);
  if (!plan) return plan.error();
  store::PlanRecord record;
  record.hash = plan->hash;
  record.plan = to_text({{"rows", domain::to_json(*plan)["rows"]}});
  record.request = to_text(request_json(asked));
  record.created_by = by;
  record.request_id = request_id;
  record.created_at = now_millis();
  const Status kept =
      store_.write([&](store::Session& session) { return store::add_plan(session, record); });
  if (!kept) return kept.error();
  return Kept{std::move(*plan), record.created_at};
}

}  // namespace rolesync::rollout
