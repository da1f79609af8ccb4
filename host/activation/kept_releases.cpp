// SPDX-License-Identifier: Apache-2.0
#include "host/activation/kept_releases.hpp"

#include <algorithm>
#include <charconv>
#include <unordered_set>

namespace rolesync {
namespace {

// All numbers in releases/, ascending; other names (edits, temporaries) are passed over.
Result<std::vector<std::uint64_t>> all_origins(FileSystem& fs, const StateDirectory& state) {
  const Result<std::vector<std::string>> names = fs.list(state.releases());
  if (!names) return names.error();
  std::vector<std::uint64_t> origins;
  for (const std::string& name : *names) {
    std::uint64_t number = 0;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (problem == std::errc() && end == name.data() + name.size()) origins.push_back(number);
  }
  std::sort(origins.begin(), origins.end());
  return origins;
}

using Ids = std::unordered_set<std::string>;

Status add_needed(FileSystem& fs, const StateDirectory& state, std::uint64_t origin, Ids& needed) {
  const Result<MarkerRecord> record = read_kept(fs, state, origin);
  if (!record) return record.error();
  for (const ManifestEntry& entry : record->release.manifest.entries()) {
    needed.insert(entry.blob_id);
  }
  for (const auto& [path, id] : record->release.rewritten) needed.insert(id);
  const Result<FilesByPath> edits = read_edits(fs, state, origin);
  if (!edits) return edits.error();
  for (const auto& [path, file] : *edits) {
    if (file) needed.insert(file->blob_id);
  }
  return {};
}

}  // namespace

Result<std::vector<std::uint64_t>> kept_origins(FileSystem& fs, const StateDirectory& state,
                                                std::uint64_t current) {
  Result<std::vector<std::uint64_t>> origins = all_origins(fs, state);
  if (!origins) return origins.error();
  std::erase_if(*origins, [&](std::uint64_t origin) { return origin >= current; });
  std::reverse(origins->begin(), origins->end());
  return origins;
}

Result<MarkerRecord> read_kept(FileSystem& fs, const StateDirectory& state, std::uint64_t origin) {
  const std::string path = state.release(origin);
  const Result<std::string> text = fs.read(path);
  if (!text) return text.error();
  return parse_marker_record(*text, path);
}

Result<FilesByPath> read_edits(FileSystem& fs, const StateDirectory& state, std::uint64_t origin) {
  const std::string path = state.edits(origin);
  const auto text = read_if_there(fs, path);
  if (!text) return text.error();
  return *text ? parse_edits(**text, path) : FilesByPath();
}

Status drop_kept(FileSystem& fs, const StateDirectory& state, std::uint64_t origin) {
  if (Status status = remove_if_there(fs, state.edits(origin)); !status) return status;
  return remove_if_there(fs, state.release(origin));
}

Status sweep_kept(FileSystem& fs, const StateDirectory& state, const MarkerRecord& current,
                  std::size_t keep) {
  const Result<std::vector<std::uint64_t>> all = all_origins(fs, state);
  if (!all) return all.error();
  const Result<std::vector<std::uint64_t>> older = kept_origins(fs, state, current.origin);
  if (!older) return older.error();
  Ids needed;
  for (const auto& [path, id] : current.release.rewritten) {
    if (const ManifestEntry* entry = current.release.manifest.find(path)) {
      needed.insert(entry->blob_id);
    }
  }
  for (std::size_t i = 0; i < std::min(keep, older->size()); ++i) {
    if (Status status = add_needed(fs, state, (*older)[i], needed); !status) return status;
  }
  for (const std::uint64_t origin : *all) {
    const auto end = older->begin() + static_cast<std::ptrdiff_t>(std::min(keep, older->size()));
    if (std::find(older->begin(), end, origin) != end) continue;
    if (Status status = drop_kept(fs, state, origin); !status) return status;
  }
  const Result<std::vector<std::string>> blobs = fs.list(state.kept());
  if (!blobs) return blobs.error();
  for (const std::string& name : *blobs) {
    if (needed.contains(name)) continue;
    if (Status status = remove_if_there(fs, state.kept_blob(name)); !status) return status;
  }
  return {};
}

}  // namespace rolesync
