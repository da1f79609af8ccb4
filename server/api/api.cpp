// SPDX-License-Identifier: Apache-2.0
#include "server/api/api.hpp"

namespace rolesync::api {

void add_routes(http::Router& router, Api& api) {
  add_server_routes(router, api);
  add_docs_routes(router);
  add_readiness_routes(router, api);
  add_metrics_routes(router, api);
  add_plugin_routes(router, api);
  add_status_routes(router, api);
  add_role_routes(router, api);
  add_code_source_routes(router, api);
  add_code_hook_routes(router, api);
  add_code_notice_routes(router, api);
  add_code_signer_routes(router, api);
  add_code_sync_routes(router, api);
  add_sync_job_routes(router, api);
  add_task_routes(router, api);
  add_node_routes(router, api);
  add_node_identity_routes(router, api);
  add_node_role_routes(router, api);
  add_role_action_routes(router, api);
  add_node_label_routes(router, api);
  add_node_drain_routes(router, api);
  add_schedule_routes(router, api);
  add_freeze_routes(router, api);
  add_held_content_routes(router, api);
  add_token_routes(router, api);
  add_join_token_routes(router, api);
  add_audit_routes(router, api);
  add_approval_policy_routes(router, api);
  add_tree_routes(router, api);
  add_session_routes(router, api);
  add_history_routes(router, api);
  add_agent_routes(router, api);
  add_content_routes(router, api);
}

}  // namespace rolesync::api
