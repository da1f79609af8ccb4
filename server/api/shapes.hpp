// SPDX-License-Identifier: Apache-2.0
// The API's objects that several resources show. Pure but for reading the engine's snapshots.
#pragma once
#include <string>
#include <vector>

#include "host/values/json.hpp"
#include "server/rollout/engine.hpp"
#include "server/store/held_contents.hpp"
#include "server/store/jobs.hpp"
#include "server/store/sources.hpp"

namespace rolesync::api {

Json latest_json(const rollout::Engine& engine, const std::string& role);  // LatestContent or null
Json node_json(const rollout::NodeView& node);                             // Node
std::string node_state(const rollout::NodeView& node);  // online, late, draining ...
// RoleOnNode of every role that counts there or has left files there, by name.
Json roles_on_node_json(rollout::Engine& engine, const rollout::NodeView& node);
Json source_json(const rollout::Engine& engine, const store::CodeSource& source);
Json commit_json(const store::CommitRecord& commit);
Json held_json(const store::HeldContent& held);
Json job_json(const store::SyncJob& job, const std::vector<store::SyncTask>& tasks);  // no tasks
Json task_json(const store::SyncTask& task, const std::vector<store::TaskEvent>& events);

Json time_json(const std::optional<Millis>& at);  // RFC 3339 or null
Json text_or_null(const std::string& text);

// What the node last said of its plugins: an array; its elements may be anything.
Json reported_plugins(const rollout::NodeView& node);

}  // namespace rolesync::api
