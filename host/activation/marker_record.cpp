// SPDX-License-Identifier: Apache-2.0
#include "host/activation/marker_record.hpp"

#include <nlohmann/json.hpp>

#include "host/activation/sealed_text.hpp"
#include "host/values/json.hpp"
#include "host/values/names.hpp"

namespace rolesync {
namespace {

std::string rewritten_text(const Release& release) {
  std::string text;
  for (const auto& [path, id] : release.rewritten) {
    text += id.empty() ? "-" : id;
    text += '\0';
    text += path;
    text += '\0';
  }
  return text;
}

bool parse_rewritten(std::string_view text, Release& release) {
  while (!text.empty()) {
    std::string_view id;
    std::string_view path;
    if (!take_field(text, '\0', id) || !take_field(text, '\0', path)) return false;
    if ((id != "-" && !is_blob_id(id)) || !release.manifest.find(path)) return false;
    release.rewritten[std::string(path)] = id == "-" ? std::string() : std::string(id);
  }
  return true;
}

MarkerRecord from_header(const Json& header) {
  MarkerRecord record;
  Release& release = record.release;
  header.at("role").get_to(release.role);
  header.at("role_revision").get_to(release.role_revision);
  header.at("role_snapshot").get_to(release.role_snapshot);
  header.at("commit").get_to(release.commit);
  header.at("content_id").get_to(release.content_id);
  header.at("task_id").get_to(release.task_id);
  header.at("activated_at").get_to(release.activated_at);
  // Not in records of older versions.
  release.activated_boot = header.value("activated_boot", "");
  release.activated_since_boot = header.value("activated_since_boot_ms", Millis{0});
  header.at("sequence").get_to(record.sequence);
  header.at("origin").get_to(record.origin);
  header.at("target").get_to(record.target);
  header.at("removed").get_to(record.removed);
  return record;
}

}  // namespace

const std::string& MarkerRecord::expected_id(const ManifestEntry& entry) const {
  if (release.rewritten.empty()) return entry.blob_id;
  const auto at = release.rewritten.find(entry.path);
  return at == release.rewritten.end() ? entry.blob_id : at->second;
}

std::string to_text(const MarkerRecord& record) {
  const Release& release = record.release;
  const std::string manifest = release.manifest.to_text();
  const Json header = {
      {"role", release.role},
      {"role_revision", release.role_revision},
      {"role_snapshot", release.role_snapshot},
      {"commit", release.commit},
      {"content_id", release.content_id},
      {"task_id", release.task_id},
      {"activated_at", release.activated_at},
      {"activated_boot", release.activated_boot},
      {"activated_since_boot_ms", release.activated_since_boot},
      {"sequence", record.sequence},
      {"origin", record.origin},
      {"target", record.target},
      {"removed", record.removed},
      {"manifest_bytes", manifest.size()},
  };
  return seal("release", to_text(header) + "\n" + manifest + rewritten_text(release));
}

Result<MarkerRecord> parse_marker_record(std::string_view text, const std::string& path) {
  Result<std::string_view> body = unseal("release", text, path);
  if (!body) return body.error();
  std::string_view rest = *body;
  std::string_view line;
  if (!take_field(rest, '\n', line)) return state_damaged(path, "it has no header");
  const Result<Json> header = parse_json(line);
  if (!header) return state_damaged(path, header.error().message);
  try {
    MarkerRecord record = from_header(*header);
    const auto bytes = header->at("manifest_bytes").get<std::size_t>();
    if (bytes > rest.size()) return state_damaged(path, "the manifest is cut off");
    Result<Manifest> manifest = Manifest::parse(rest.substr(0, bytes));
    if (!manifest) return state_damaged(path, manifest.error().message);
    record.release.manifest = std::move(*manifest);
    if (!parse_rewritten(rest.substr(bytes), record.release)) {
      return state_damaged(path, "the list of rewritten files is not readable");
    }
    return record;
  } catch (const Json::exception& problem) {
    return state_damaged(path, problem.what());
  }
}

}  // namespace rolesync
