// SPDX-License-Identifier: Apache-2.0
#include "server/store/contents.hpp"

#include <set>
#include <string_view>

namespace rolesync::store {

Status add_content(Session& session, const Content& content) {
  return status_of(
      session.execute("INSERT INTO contents (id, files, bytes, created_at) VALUES (?, ?, ?, ?) "
                      "ON CONFLICT (id) DO NOTHING",
                      {content.id, content.files, content.bytes, content.created_at}));
}

Result<Content> find_content(Session& session, const std::string& id) {
  const auto row = first_row(
      session.query("SELECT id, files, bytes, created_at FROM contents WHERE id = ?", {id}),
      "unknown_content", "there is no content " + id);
  if (!row) return row.error();
  return Content{row->text(0), static_cast<std::uint64_t>(row->integer(1)),
                 static_cast<std::uint64_t>(row->integer(2)), row->integer(3)};
}

Status add_role_content(Session& session, const RoleContentRecord& record) {
  return status_of(session.execute(
      "INSERT INTO role_contents (source, commit_id, role, role_revision, content_id) "
      "VALUES (?, ?, ?, ?, ?) ON CONFLICT (source, commit_id, role, role_revision) DO NOTHING",
      {record.source, record.commit, record.role, record.role_revision, record.content_id}));
}

Result<std::optional<std::string>> find_role_content(Session& session, const std::string& source,
                                                     const std::string& commit,
                                                     const std::string& role,
                                                     const std::string& role_revision) {
  const auto rows = session.query(
      "SELECT content_id FROM role_contents "
      "WHERE source = ? AND commit_id = ? AND role = ? AND role_revision = ?",
      {source, commit, role, role_revision});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<std::string>{};
  return std::optional<std::string>{rows->front().text(0)};
}

namespace {

// Every "rs1:<64 hex digits>" of a text.
void add_content_ids(const std::string& text, std::set<std::string>& ids) {
  constexpr std::string_view prefix = "rs1:";
  constexpr std::size_t length = prefix.size() + 64;
  for (std::size_t at = text.find(prefix); at != std::string::npos;
       at = text.find(prefix, at + 1)) {
    ids.insert(text.substr(at, length));
  }
}

}  // namespace

Result<std::vector<std::string>> live_contents(Session& session, Millis plans_since,
                                               int releases_kept) {
  const auto plans = session.query("SELECT plan FROM plans WHERE created_at >= ?", {plans_since});
  if (!plans) return plans.error();
  std::set<std::string> ids;
  for (const Row& row : *plans) add_content_ids(row.text(0), ids);
  const auto found = each_row<std::string>(
      session.query(
          "SELECT content_id FROM (SELECT content_id, ROW_NUMBER() OVER "
          "(PARTITION BY node, role ORDER BY id DESC) AS age FROM releases) AS aged "
          "WHERE age <= ? "
          "UNION SELECT content_id FROM releases WHERE current = 1 "
          "UNION SELECT content_id FROM sync_tasks WHERE finished_at IS NULL AND content_id <> '' "
          "UNION SELECT from_content_id FROM sync_tasks "
          "WHERE finished_at IS NULL AND from_content_id <> '' "
          "UNION SELECT role_contents.content_id FROM role_contents JOIN code_sources "
          "ON code_sources.name = role_contents.source "
          "AND code_sources.head_commit = role_contents.commit_id "
          "ORDER BY 1",
          {releases_kept}),
      [](const Row& row) { return row.text(0); });
  if (!found) return found.error();
  ids.insert(found->begin(), found->end());
  return std::vector<std::string>(ids.begin(), ids.end());
}

Status forget_contents(Session& session, const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    const auto roles = session.execute("DELETE FROM role_contents WHERE content_id = ?", {id});
    if (!roles) return roles.error();
    const auto content = session.execute("DELETE FROM contents WHERE id = ?", {id});
    if (!content) return content.error();
  }
  return {};
}

}  // namespace rolesync::store
