// SPDX-License-Identifier: Apache-2.0
// Removing what nobody needs from the cache, manifest before blobs: whatever happens in between, a
// content that has its manifest has all its blobs.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "server/source/blob_cache.hpp"
#include "server/source/durable_file.hpp"

namespace rolesync::source {
namespace {

namespace fs = std::filesystem;

struct CachedContent {
  fs::file_time_type used_at;
  std::string id;
  std::vector<std::string> blobs;  // without doubles
};

struct CachedBlob {
  fs::path path;
  std::uint64_t bytes = 0;
  std::size_t users = 0;
};

using Blobs = std::unordered_map<std::string, CachedBlob>;

Blobs list_blobs(const fs::path& directory) {
  Blobs blobs;
  std::error_code problem;
  for (const auto& entry : fs::recursive_directory_iterator(directory, problem)) {
    if (!entry.is_regular_file(problem)) continue;
    const fs::path& path = entry.path();
    if (path.filename().string().starts_with("tmp-")) {
      fs::remove(path, problem);  // nobody imports now
      continue;
    }
    const std::string id = path.parent_path().filename().string() + path.filename().string();
    blobs[id] = {path, entry.file_size(problem), 0};
  }
  return blobs;
}

std::vector<std::string> blobs_of(const Manifest& manifest) {
  std::set<std::string> ids;
  for (const ManifestEntry& entry : manifest.entries()) ids.insert(entry.blob_id);
  return {ids.begin(), ids.end()};
}

std::uint64_t total_of(const Blobs& blobs) {
  std::uint64_t total = 0;
  for (const auto& [id, blob] : blobs) total += blob.bytes;
  return total;
}

}  // namespace

Result<BlobCache::Collected> BlobCache::collect(const std::set<std::string>& live,
                                                std::uint64_t byte_limit,
                                                std::chrono::seconds grace) {
  const std::unique_lock lock(contents_);
  Blobs blobs = list_blobs(directory_ / "blobs");
  std::vector<CachedContent> contents;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(directory_ / "manifests", problem)) {
    const std::string id = entry.path().filename().string();
    const auto cached = manifest(id);
    if (!cached) {
      fs::remove(entry.path(), problem);  // unfinished, or unreadable: an import brings it back
      continue;
    }
    contents.push_back({entry.last_write_time(problem), id, blobs_of(*cached)});
    for (const std::string& blob : contents.back().blobs) ++blobs[blob].users;
  }
  std::sort(contents.begin(), contents.end(),
            [](const auto& a, const auto& b) { return a.used_at < b.used_at; });

  Collected collected;
  collected.bytes_kept = total_of(blobs);
  const auto remove_blob = [&](CachedBlob& blob) {
    if (blob.path.empty()) return;  // named by a manifest, but not here
    fs::remove(blob.path, problem);
    ++collected.blobs;
    collected.bytes += blob.bytes;
    collected.bytes_kept -= blob.bytes;
    blob.path.clear();
  };
  for (auto& [id, blob] : blobs) {
    if (blob.users == 0) remove_blob(blob);
  }
  const auto youngest = fs::file_time_type::clock::now() - grace;
  for (const CachedContent& content : contents) {
    if (collected.bytes_kept <= byte_limit) break;
    if (live.contains(content.id) || is_leased(content.id) || content.used_at > youngest) continue;
    fs::remove(manifest_path(content.id), problem);
    if (const Status gone = sync_directory(directory_ / "manifests"); !gone) return gone.error();
    collected.contents.push_back(content.id);
    for (const std::string& id : content.blobs) {
      CachedBlob& blob = blobs[id];
      if (--blob.users == 0) remove_blob(blob);
    }
  }
  return collected;
}

}  // namespace rolesync::source
