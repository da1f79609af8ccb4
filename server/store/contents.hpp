// SPDX-License-Identifier: Apache-2.0
// Which content (list of files, by hash) a role has at a commit. The bytes are in the cache of
// server/source. Called inside Store::write or read.
#pragma once
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/session.hpp"

namespace rolesync::store {

struct Content {
  std::string id;  // "rs1:..."
  std::uint64_t files = 0, bytes = 0;
  Millis created_at = 0;
};

struct RoleContentRecord {
  std::string source, commit, role, role_revision, content_id;
};

Status add_content(Session& session, const Content& content);  // known: no effect
Result<Content> find_content(Session& session, const std::string& id);
Status add_role_content(Session& session, const RoleContentRecord& record);  // known: no effect
// The content of a role at a commit under that role revision, or nothing when never imported.
Result<std::optional<std::string>> find_role_content(Session& session, const std::string& source,
                                                     const std::string& commit,
                                                     const std::string& role,
                                                     const std::string& role_revision);

// What the cache must keep: contents of kept releases of every node (the newest `releases_kept` per
// node and role, and the current one), of tasks that are not finished, of every source's head
// commit, and whatever is named by a plan made since `plans_since`.
Result<std::vector<std::string>> live_contents(Session& session, Millis plans_since = 0,
                                               int releases_kept = 3);
// Forgets contents that are gone from the cache, with their role_contents.
Status forget_contents(Session& session, const std::vector<std::string>& ids);

}  // namespace rolesync::store
