// SPDX-License-Identifier: Apache-2.0
// Code sources (node and repository that commits come from), their commits, and the nonces of
// notifications. Called inside Store::write or read.
#pragma once
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/page.hpp"

namespace rolesync::store {

struct CodeSource {
  std::string name;
  std::string node_id;     // transport agent: the node that serves it
  std::string transport;   // agent | file
  std::string repository;  // absolute path, on that node or on this machine
  std::string branch;
  std::string hook_key;         // name of the key file in secrets_dir
  std::string head_commit;      // of the branch, as last fetched; empty: none yet
  std::string state = "new";    // new | current | fetching | failed
  std::string reason, message;  // of the last failure
  std::int64_t version = 0;
  Millis updated_at = 0;
  std::optional<Millis> fetched_at;
  std::int64_t poll_seconds = 300;  // looked at on our own; 0: never
  std::optional<Millis> polled_at;
  std::string webhook_kind;  // github | gitlab | gitea; empty: none
  std::string webhook_key;   // name of the file in secrets_dir
  bool require_signed = false;
  std::string allowed_signers;  // lines as ssh-keygen(1) has them
  std::string gpg_keys;         // armoured
};

Result<CodeSource> find_source(Session& session, const std::string& name);  // unknown_source
Result<std::vector<CodeSource>> list_sources(Session& session);
// Inserts or replaces the configured part (all that is not head, state and times of looking), which
// stay. Version rules as in save_role_override.
Result<std::int64_t> save_source(Session& session, const CodeSource& source,
                                 std::optional<std::int64_t> expected_version);
Status delete_source(Session& session, const std::string& name);
Status set_source_state(Session& session, const std::string& name, const std::string& state,
                        const std::string& reason, const std::string& message, Millis at);
Status set_source_polled(Session& session, const std::string& name, Millis at);
Status set_source_head(Session& session, const std::string& name, const std::string& commit,
                       Millis at);

struct CommitRecord {
  std::string source, commit;
  std::vector<std::string> parents;
  std::string author;   // "Name <address>"
  std::string message;  // UTF-8; invalid bytes were repaired
  Millis committed_at = 0, received_at = 0;
  std::int64_t position = 0;  // order of arrival within the source, given by the store
  std::optional<std::vector<std::string>> affected_roles;  // nothing: not computed
  std::string refused_reason, refused_message;             // of a source that requires signatures
};

// Adds those that are not known yet, in this order (parents first); returns how many were new.
Result<std::size_t> add_commits(Session& session, const std::vector<CommitRecord>& commits);
Result<CommitRecord> find_commit(Session& session, const std::string& source,
                                 const std::string& commit);  // not_found/unknown_commit
// Newest first. `before`: only positions below it (paging); 0 for the newest.
Result<std::vector<CommitRecord>> list_commits(Session& session, const std::string& source,
                                               std::int64_t before = 0, int limit = 50);
// Sorted by position, the order of arrival.
const ListColumns& commit_list();
Result<Listed<CommitRecord>> list_commits(Session& session, const Page& page);
Status set_affected_roles(Session& session, const std::string& source, const std::string& commit,
                          const std::vector<std::string>& roles);
// Empty reason: it is not refused, or not any more.
Status set_commit_refused(Session& session, const std::string& source, const std::string& commit,
                          const std::string& reason, const std::string& message);

// A nonce is good once per source: conflict/nonce_used the second time. Forgets nonces that are
// older than `forget_before`, whose timestamps are refused anyway.
Status use_nonce(Session& session, const std::string& source, const std::string& nonce, Millis at,
                 Millis forget_before);
// Whether this delivery of a webhook is a new one. Forgets those seen before `forget_before`.
Result<bool> use_delivery(Session& session, const std::string& source, const std::string& delivery,
                          Millis at, Millis forget_before);

}  // namespace rolesync::store
