// SPDX-License-Identifier: Apache-2.0
// The HTTP API: one file per resource, each adding its routes. Handlers parse, ask the engine or
// the store, and shape the answer; what they decide is decided in server/domain. Any thread.
#pragma once
#include <filesystem>
#include <string>

#include "server/api/server_parts.hpp"
#include "server/http/router.hpp"
#include "server/rollout/engine.hpp"

namespace rolesync::api {

struct ApiOptions {
  std::string version;
  ServerParts parts;                  // all outlive the API
  std::filesystem::path secrets_dir;  // hook keys, 0600
  std::string code_source_role;       // the role of the node that holds the repository
};

// What handlers share. Must outlive the router.
struct Api {
  rollout::Engine& engine;
  ApiOptions options;
};

// All routes of openapi.yaml.
void add_routes(http::Router& router, Api& api);

void add_agent_routes(http::Router& router, Api& api);  // join, heartbeat, task events
void add_approval_policy_routes(http::Router& router, Api& api);
void add_audit_routes(http::Router& router, Api& api);
void add_code_source_routes(http::Router& router, Api& api);
void add_code_hook_routes(http::Router& router, Api& api);    // secrets of hook and webhook
void add_code_notice_routes(http::Router& router, Api& api);  // notify, webhooks
void add_code_signer_routes(http::Router& router, Api& api);
void add_code_sync_routes(http::Router& router, Api& api);  // pull, plan, sync
void add_content_routes(http::Router& router, Api& api);    // manifests, offers, streams
void add_docs_routes(http::Router& router);
void add_freeze_routes(http::Router& router, Api& api);
void add_held_content_routes(http::Router& router, Api& api);
void add_history_routes(http::Router& router, Api& api);  // commits, events
void add_join_token_routes(http::Router& router, Api& api);
void add_node_routes(http::Router& router, Api& api);
void add_node_label_routes(http::Router& router, Api& api);
void add_node_drain_routes(http::Router& router, Api& api);
void add_node_identity_routes(http::Router& router, Api& api);  // credential, revoke, delete
void add_node_role_routes(http::Router& router, Api& api);
void add_metrics_routes(http::Router& router, Api& api);
void add_plugin_routes(http::Router& router, Api& api);
void add_role_action_routes(http::Router& router, Api& api);  // restart, start, stop
void add_role_routes(http::Router& router, Api& api);
void add_schedule_routes(http::Router& router, Api& api);
void add_session_routes(http::Router& router, Api& api);  // browsers
void add_readiness_routes(http::Router& router, Api& api);
void add_server_routes(http::Router& router, Api& api);  // health, openapi.yaml
void add_status_routes(http::Router& router, Api& api);
void add_sync_job_routes(http::Router& router, Api& api);
void add_task_routes(http::Router& router, Api& api);
void add_token_routes(http::Router& router, Api& api);
void add_tree_routes(http::Router& router, Api& api);  // identify, adopt, verify

// The web UI's files for whatever no route has; `directory` empty: a page that says how to add
// them.
Status add_web_pages(http::Router& router, const std::filesystem::path& directory);

}  // namespace rolesync::api
