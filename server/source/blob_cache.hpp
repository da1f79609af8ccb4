// SPDX-License-Identifier: Apache-2.0
// The server's copy of every content it may have to deliver: one verified file per blob, one
// manifest per content. Files get their name only when complete, verified and fsynced. Any thread.
//   <directory>/blobs/<2 hex>/<38 hex>   <directory>/manifests/<content id>
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <vector>

#include "host/activation/manifest.hpp"
#include "host/values/result.hpp"
#include "server/source/mirror.hpp"

namespace rolesync::source {

class BlobCache {
 public:
  static Result<std::unique_ptr<BlobCache>> open(const std::filesystem::path& directory);

  // Brings in the blobs of the manifest that are not here yet, then the manifest itself.
  // Afterwards the content is complete and durable. Errors: failed/blob_corrupt, unavailable/
  // disk_full, failed/cache_failed, failed/git_failed.
  Status import(const Manifest& manifest, const Mirror& mirror);

  Result<Manifest> manifest(const std::string& content_id) const;  // not_found/unknown_content
  std::filesystem::path blob_path(const std::string& blob_id) const;
  bool has_blob(const std::string& blob_id) const;
  // Reads the file again and compares. A corrupt blob is removed, so that the next import brings
  // it back: failed/blob_corrupt. not_found/blob_missing.
  Status verify_blob(const std::string& blob_id, std::uint64_t size);

  // The bytes of a small blob, compared with its id as they are read. Errors:
  // not_found/blob_missing, failed/blob_corrupt; the file stays as it is.
  Result<std::string> read_blob(const std::string& blob_id) const;

  // Keeps a content from being collected until the lease is gone. The cache must outlive it.
  class Lease {
   public:
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();

   private:
    friend class BlobCache;
    Lease(BlobCache& cache, std::string content_id);
    BlobCache* cache_;
    std::string content_id_;
  };
  Lease lease(const std::string& content_id);

  struct Collected {
    std::vector<std::string> contents;   // that were removed
    std::uint64_t blobs = 0, bytes = 0;  // removed
    std::uint64_t bytes_kept = 0;
  };
  // When the blobs take more than `byte_limit`, removes contents that are neither in `live` nor
  // leased nor imported within `grace` (whose importer may not have told the store yet), oldest
  // first, with the blobs only they need, until they fit or nothing more may go. What an
  // interrupted import left goes in any case.
  Result<Collected> collect(const std::set<std::string>& live, std::uint64_t byte_limit,
                            std::chrono::seconds grace = std::chrono::minutes(10));

 private:
  explicit BlobCache(std::filesystem::path directory) : directory_(std::move(directory)) {}
  std::filesystem::path manifest_path(const std::string& content_id) const;
  Status import_blobs(const std::vector<const ManifestEntry*>& missing, const Mirror& mirror);
  Status keep_manifest(const Manifest& manifest);
  bool is_leased(const std::string& content_id);

  const std::filesystem::path directory_;
  std::shared_mutex contents_;  // shared: those who add and read; exclusive: collect
  std::mutex leases_mutex_;
  std::multiset<std::string> leases_;
};

}  // namespace rolesync::source
