// SPDX-License-Identifier: Apache-2.0
#include "server/store/sources.hpp"

#include "server/store/version_check.hpp"

namespace rolesync::store {
namespace {

constexpr const char* source_columns =
    "SELECT name, node_id, transport, repository, branch, hook_key, head_commit, state, reason, "
    "message, version, updated_at, fetched_at, poll_seconds, polled_at, webhook_kind, webhook_key, "
    "require_signed, allowed_signers, gpg_keys FROM code_sources ";

CodeSource source_of(const Row& row) {
  CodeSource source;
  source.name = row.text(0);
  source.node_id = row.text(1);
  source.transport = row.text(2);
  source.repository = row.text(3);
  source.branch = row.text(4);
  source.hook_key = row.text(5);
  source.head_commit = row.text(6);
  source.state = row.text(7);
  source.reason = row.text(8);
  source.message = row.text(9);
  source.version = row.integer(10);
  source.updated_at = row.integer(11);
  source.fetched_at = row.optional_integer(12);
  source.poll_seconds = row.integer(13);
  source.polled_at = row.optional_integer(14);
  source.webhook_kind = row.text(15);
  source.webhook_key = row.text(16);
  source.require_signed = row.integer(17) != 0;
  source.allowed_signers = row.text(18);
  source.gpg_keys = row.text(19);
  return source;
}

constexpr const char* commit_columns =
    "SELECT source, commit_id, parents, author, message, committed_at, received_at, position, "
    "affected_roles, refused_reason, refused_message FROM commits ";

CommitRecord commit_of(const Row& row) {
  CommitRecord commit;
  commit.source = row.text(0);
  commit.commit = row.text(1);
  commit.parents = words_from_json(row.text(2));
  commit.author = row.text(3);
  commit.message = row.text(4);
  commit.committed_at = row.integer(5);
  commit.received_at = row.integer(6);
  commit.position = row.integer(7);
  if (!row.is_null(8)) commit.affected_roles = words_from_json(row.text(8));
  commit.refused_reason = row.text(9);
  commit.refused_message = row.text(10);
  return commit;
}

std::string no_source(const std::string& name) {
  return "there is no code source \"" + name + "\"";
}

}  // namespace

Result<CodeSource> find_source(Session& session, const std::string& name) {
  const auto row = first_row(session.query(std::string(source_columns) + "WHERE name = ?", {name}),
                             "unknown_source", no_source(name));
  if (!row) return row.error();
  return source_of(*row);
}

Result<std::vector<CodeSource>> list_sources(Session& session) {
  return each_row<CodeSource>(session.query(std::string(source_columns) + "ORDER BY name"),
                              source_of);
}

Result<std::int64_t> save_source(Session& session, const CodeSource& source,
                                 std::optional<std::int64_t> expected_version) {
  const auto rows = session.query("SELECT version FROM code_sources WHERE name = ?", {source.name});
  if (!rows) return rows.error();
  const std::int64_t found = rows->empty() ? 0 : rows->front().integer(0);
  const Status same = check_version(expected_version, found, "code source " + source.name);
  if (!same) return same.error();
  const auto saved = session.execute(
      "INSERT INTO code_sources (name, node_id, transport, repository, branch, hook_key, "
      "poll_seconds, webhook_kind, webhook_key, require_signed, allowed_signers, gpg_keys, "
      "version, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
      "ON CONFLICT (name) DO UPDATE SET "
      "node_id = excluded.node_id, transport = excluded.transport, "
      "repository = excluded.repository, branch = excluded.branch, hook_key = excluded.hook_key, "
      "poll_seconds = excluded.poll_seconds, webhook_kind = excluded.webhook_kind, "
      "webhook_key = excluded.webhook_key, require_signed = excluded.require_signed, "
      "allowed_signers = excluded.allowed_signers, gpg_keys = excluded.gpg_keys, "
      "version = excluded.version, updated_at = excluded.updated_at",
      {source.name, source.node_id, source.transport, source.repository, source.branch,
       source.hook_key, source.poll_seconds, source.webhook_kind, source.webhook_key,
       source.require_signed ? 1 : 0, source.allowed_signers, source.gpg_keys, found + 1,
       source.updated_at});
  if (!saved) return saved.error();
  return found + 1;
}

Status delete_source(Session& session, const std::string& name) {
  return changed_row(session.execute("DELETE FROM code_sources WHERE name = ?", {name}),
                     "unknown_source", no_source(name));
}

Status set_source_state(Session& session, const std::string& name, const std::string& state,
                        const std::string& reason, const std::string& message, Millis at) {
  return changed_row(session.execute("UPDATE code_sources SET state = ?, reason = ?, message = ?, "
                                     "updated_at = ? WHERE name = ?",
                                     {state, reason, message, at, name}),
                     "unknown_source", no_source(name));
}

Status set_source_polled(Session& session, const std::string& name, Millis at) {
  return changed_row(
      session.execute("UPDATE code_sources SET polled_at = ? WHERE name = ?", {at, name}),
      "unknown_source", no_source(name));
}

Status set_source_head(Session& session, const std::string& name, const std::string& commit,
                       Millis at) {
  const auto before = find_source(session, name);
  if (!before) return before.error();
  if (before->head_commit != commit) {  // else the others have it already, or fetch it now
    if (Status told = session.tell("source", name); !told) return told;
  }
  return changed_row(
      session.execute("UPDATE code_sources SET head_commit = ?, fetched_at = ?, state = 'current', "
                      "reason = '', message = '' WHERE name = ?",
                      {commit, at, name}),
      "unknown_source", no_source(name));
}

Result<std::size_t> add_commits(Session& session, const std::vector<CommitRecord>& commits) {
  std::size_t added = 0;
  for (const CommitRecord& commit : commits) {
    std::optional<std::string> affected;
    if (commit.affected_roles) affected = words_to_json(*commit.affected_roles);
    const auto inserted = session.execute(
        "INSERT INTO commits (source, commit_id, position, parents, author, message, committed_at, "
        "received_at, affected_roles, refused_reason, refused_message) VALUES (?, ?, "
        "(SELECT COALESCE(MAX(position), 0) + 1 FROM commits WHERE source = ?), "
        "?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, commit_id) DO NOTHING",
        {commit.source, commit.commit, commit.source, words_to_json(commit.parents), commit.author,
         commit.message, commit.committed_at, commit.received_at, affected, commit.refused_reason,
         commit.refused_message});
    if (!inserted) return inserted.error();
    added += *inserted;
  }
  return added;
}

Result<CommitRecord> find_commit(Session& session, const std::string& source,
                                 const std::string& commit) {
  const auto row =
      first_row(session.query(std::string(commit_columns) + "WHERE source = ? AND commit_id = ?",
                              {source, commit}),
                "unknown_commit", "code source \"" + source + "\" has no commit " + commit);
  if (!row) return row.error();
  return commit_of(*row);
}

Result<std::vector<CommitRecord>> list_commits(Session& session, const std::string& source,
                                               std::int64_t before, int limit) {
  return each_row<CommitRecord>(
      session.query(std::string(commit_columns) + "WHERE source = ? AND (? = 0 OR position < ?) "
                                                  "ORDER BY position DESC LIMIT ?",
                    {source, before, before, limit}),
      commit_of);
}

const ListColumns& commit_list() {
  using Kind = FilterColumn::Kind;
  static const ListColumns list{"commit_id",
                                {{"position", "position", true}},
                                {{"source", "source = ?", Kind::name},
                                 {"role", "affected_roles LIKE ?", Kind::name_in_list},
                                 {"author", "author = ?"},
                                 {"since", "committed_at >= ?", Kind::time},
                                 {"until", "committed_at < ?", Kind::time}}};
  return list;
}

Result<Listed<CommitRecord>> list_commits(Session& session, const Page& page) {
  return list_page<CommitRecord>(session, commit_columns, commit_list(), page, commit_of);
}

Status set_affected_roles(Session& session, const std::string& source, const std::string& commit,
                          const std::vector<std::string>& roles) {
  return changed_row(session.execute("UPDATE commits SET affected_roles = ? "
                                     "WHERE source = ? AND commit_id = ?",
                                     {words_to_json(roles), source, commit}),
                     "unknown_commit", "code source \"" + source + "\" has no commit " + commit);
}

Status set_commit_refused(Session& session, const std::string& source, const std::string& commit,
                          const std::string& reason, const std::string& message) {
  return changed_row(session.execute("UPDATE commits SET refused_reason = ?, refused_message = ? "
                                     "WHERE source = ? AND commit_id = ?",
                                     {reason, message, source, commit}),
                     "unknown_commit", "code source \"" + source + "\" has no commit " + commit);
}

Status use_nonce(Session& session, const std::string& source, const std::string& nonce, Millis at,
                 Millis forget_before) {
  const auto forgotten =
      session.execute("DELETE FROM notify_nonces WHERE seen_at < ?", {forget_before});
  if (!forgotten) return forgotten.error();
  const auto used = session.execute(
      "INSERT INTO notify_nonces (source, nonce, seen_at) VALUES (?, ?, ?) "
      "ON CONFLICT (source, nonce) DO NOTHING",
      {source, nonce, at});
  if (!used) return used.error();
  if (*used == 0) {
    return Error{ErrorKind::conflict, "nonce_used", "this notification was received before",
                 "sign every notification with a new nonce"};
  }
  return {};
}

Result<bool> use_delivery(Session& session, const std::string& source, const std::string& delivery,
                          Millis at, Millis forget_before) {
  const auto forgotten =
      session.execute("DELETE FROM webhook_deliveries WHERE seen_at < ?", {forget_before});
  if (!forgotten) return forgotten.error();
  const auto used = session.execute(
      "INSERT INTO webhook_deliveries (source, delivery, seen_at) VALUES (?, ?, ?) "
      "ON CONFLICT (source, delivery) DO NOTHING",
      {source, delivery, at});
  if (!used) return used.error();
  return *used > 0;
}

}  // namespace rolesync::store
