// SPDX-License-Identifier: Apache-2.0
#include "server/domain/plan_json.hpp"

#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"

namespace rolesync::domain {
namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json version_object(const Version& version) {
  return {{"commit", text_or_null(version.commit)},
          {"content_id", text_or_null(version.content_id)},
          {"role_revision", text_or_null(version.role_revision)}};
}

Json file_entries(const std::vector<FileEntry>& entries) {
  Json list = Json::array();
  for (const FileEntry& entry : entries) {
    list.push_back({{"path", entry.path},
                    {"size_bytes", entry.size},
                    {"mode", std::string(rolesync::to_text(entry.mode))}});
  }
  return list;
}

std::string text(const Json& object, const char* field) {
  const Json& value = object.at(field);
  return value.is_null() ? std::string() : value.get<std::string>();
}

Version version_from(const Json& value) {
  if (value.is_null()) return {};
  return {text(value, "commit"), text(value, "content_id"), text(value, "role_revision")};
}

PlanRow row_from(const Json& value) {
  PlanRow row;
  row.node = text(value, "node");
  row.role = text(value, "role");
  row.from = version_from(value.at("from"));
  row.to = version_from(value.at("to"));
  row.change = text(value, "change");
  row.restart = value.at("restart").get<bool>();
  row.restart_reason = text(value, "restart_reason");
  row.gate = text(value, "gate");
  for (const Json& blocker : value.at("blockers")) {
    row.blockers.push_back({text(blocker, "reason"), text(blocker, "message"),
                            text(blocker, "hint"), text(blocker, "severity") == "blocker"});
  }
  row.files_added = value.at("files_added").get<std::size_t>();
  row.files_changed = value.at("files_changed").get<std::size_t>();
  row.files_removed = value.at("files_removed").get<std::size_t>();
  row.bytes = value.at("bytes").get<std::uint64_t>();
  row.first_install = text(value, "first_install");
  row.order = value.at("order").get<int>();
  row.commands = value.value("commands", std::vector<std::string>());
  return row;
}

}  // namespace

Json to_json(const Version& version) {
  return version == Version{} ? Json() : version_object(version);
}

Json to_json(const PlanRow& row) {
  Json blockers = Json::array();
  for (const Blocker& blocker : row.blockers) {
    blockers.push_back({{"reason", blocker.reason},
                        {"message", blocker.message},
                        {"hint", blocker.hint},
                        {"severity", blocker.stops ? "blocker" : "warning"}});
  }
  return {{"node", row.node},
          {"role", row.role},
          {"from", to_json(row.from)},
          {"to", version_object(row.to)},
          {"role_revision", row.to.role_revision},
          {"change", row.change},
          {"restart", row.restart},
          {"restart_reason", row.restart_reason},
          {"gate", row.gate},
          {"blockers", blockers},
          {"files_added", row.files_added},
          {"files_changed", row.files_changed},
          {"files_removed", row.files_removed},
          {"bytes", row.bytes},
          {"first_install", row.first_install},
          {"order", row.order},
          {"commands", row.commands}};
}

Json to_json(const Plan& plan) {
  Json rows = Json::array();
  std::size_t changes = 0, blocked = 0;
  for (const PlanRow& row : plan.rows) {
    rows.push_back(to_json(row));
    if (row.acts()) ++changes;
    if (row.stopper()) ++blocked;
  }
  Json files = Json::array();
  for (const FileList& list : plan.files) {
    files.push_back({{"role", list.role},
                     {"from_content_id", text_or_null(list.from_content_id)},
                     {"to_content_id", list.to_content_id},
                     {"added", file_entries(list.added)},
                     {"changed", file_entries(list.changed)},
                     {"removed", file_entries(list.removed)},
                     {"truncated", list.truncated}});
  }
  return {{"plan_hash", plan.hash},
          {"rows", std::move(rows)},
          {"files", std::move(files)},
          {"changes", changes},
          {"blocked", blocked}};
}

Result<std::vector<PlanRow>> plan_rows_from_json(const Json& plan) {
  try {
    std::vector<PlanRow> rows;
    for (const Json& row : plan.at("rows")) rows.push_back(row_from(row));
    return rows;
  } catch (const Json::exception& problem) {
    return Error{ErrorKind::invalid, "plan_unreadable",
                 std::string("the stored plan cannot be read: ") + problem.what(), "plan again"};
  }
}

std::string plan_hash(const std::vector<PlanRow>& rows) {
  Json covered = Json::array();
  for (PlanRow row : rows) {
    std::erase_if(row.blockers, [](const Blocker& blocker) { return !blocker.stops; });
    covered.push_back(to_json(row));
  }
  return "pl1:" + sha256_hex(to_text(covered));
}

}  // namespace rolesync::domain
