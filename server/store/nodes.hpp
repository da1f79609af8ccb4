// SPDX-License-Identifier: Apache-2.0
// Machines: who they are, what they last reported, and the releases they were measured to hold.
// Parts of a report are JSON texts as the agent sent them. Called inside Store::write or read.
#pragma once
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/session.hpp"

namespace rolesync::store {

struct Node {
  std::string id;
  std::string credential_hash;  // sha256 hex of the credential
  std::string boot_id;
  std::string agent_version;
  std::string os_info = "{}";
  std::string labels = "{}";
  std::string role_report = "{}";  // role -> what the agent found (docs/protocol.md)
  std::string listening_ports = "[]";
  std::string plugins = "[]";
  std::string role_versions = "{}";  // role -> commit, the seed's map
  bool draining = false;
  std::string drained_reason;
  std::optional<Millis> drained_at;
  Millis created_at = 0;
  std::optional<Millis> last_seen_at;  // up to ten minutes old; the server knows better in memory
  std::optional<Millis> revoked_at;
  std::string revoked_reason;
  Millis credential_at = 0;  // since when the credential is in use; 0: from before it was noted
  std::optional<Millis> rotation_requested_at;
  std::int64_t assignment_version = 0;  // 0: no role was ever assigned by a person
};

// conflict/node_exists when the id is taken.
Status add_node(Session& session, const Node& node);
// A machine joins again under a name that is known: a revocation is lifted. Its credential is
// given with add_pending_credential.
Status rejoin_node(Session& session, const std::string& id);
Result<Node> find_node(Session& session, const std::string& id);  // not_found/unknown_node
Result<Node> find_node_by_credential(Session& session, const std::string& credential_hash);
Result<std::vector<Node>> list_nodes(Session& session);  // by id, with revoked ones

// Only the parts that are set are written; one small UPDATE.
struct ReportChange {
  std::optional<std::string> boot_id, agent_version, os_info, role_report, listening_ports, plugins,
      role_versions;
  std::optional<Millis> last_seen_at;
};
Status save_report(Session& session, const std::string& id, const ReportChange& change);

// Last-seen times of many nodes at once: the flush that happens at most every ten minutes.
struct Seen {
  std::string node;
  Millis at = 0;
};
// When each was heard of, as far as that was written.
Result<std::vector<Seen>> last_seen_times(Session& session);
Status touch(Session& session, const std::vector<Seen>& nodes);

Status set_labels(Session& session, const std::string& id, const std::string& labels_json);
// Left out of plans from now on.
Status drain_node(Session& session, const std::string& id, const std::string& reason, Millis at);
Status undrain_node(Session& session, const std::string& id);
Status set_rotation_requested(Session& session, const std::string& id, Millis at);
// Its credentials end; everything else stays. Lifted by rejoin_node only.
Status revoke_node(Session& session, const std::string& id, const std::string& reason, Millis at);
// Nothing of it remains but what jobs and the audit log tell, and its ended credentials.
Status delete_node(Session& session, const std::string& id, Millis at);

// What the disk of a node was measured to hold for a role, newest first; the marker on the node is
// the truth and this a copy of it.
struct ReleaseRecord {
  std::int64_t id = 0;  // given by the store
  std::string node, role, source, commit, content_id, role_revision;
  std::string role_snapshot = "{}";  // the role's JSON as it was deployed
  std::string task_id;               // empty: found on the node, not put there by a task
  bool current = true;
  Millis activated_at = 0;
  std::optional<Millis> verified_at;
};

// Makes this the current release of (node, role). The same commit, content and revision again only
// renews verified_at (and fills in a snapshot or task that was missing).
Status record_release(Session& session, const ReleaseRecord& release);
Status clear_current_release(Session& session, const std::string& node, const std::string& role);
Result<std::vector<ReleaseRecord>> current_releases(Session& session);
Result<std::vector<ReleaseRecord>> releases_of(Session& session, const std::string& node,
                                               const std::string& role, int limit = 20);

}  // namespace rolesync::store
