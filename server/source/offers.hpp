// SPDX-License-Identifier: Apache-2.0
// What one or several nodes fetch: a directory of hard links to cached blobs, named by blob id,
// each hashed again when the offer is made. Nodes that want the same share it; it is removed when
// the last holder lets go. Any thread.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/source/blob_cache.hpp"

namespace rolesync::source {

struct Offer {
  std::string id;  // sha256 of content id and the sorted wanted ids
  std::string content_id;
  std::filesystem::path directory;
  std::uint64_t files = 0, bytes = 0;
};

class Offers {
 public:
  // Removes what an earlier server left in the directory. The cache must outlive this and every
  // offer; `directory` is on the cache's file system.
  static Result<std::unique_ptr<Offers>> open(const std::filesystem::path& directory,
                                              BlobCache& cache);

  // Every wanted id must be a blob of that content (invalid/blob_not_in_content); doubles are
  // counted once. A corrupt cached blob is failed/blob_corrupt: import the content again.
  Result<std::shared_ptr<const Offer>> make(const std::string& content_id,
                                            std::vector<std::string> wanted);
  // One that somebody still holds, or nullptr.
  std::shared_ptr<const Offer> find(const std::string& offer_id) const;

 private:
  struct Held;
  struct Shelf;  // shared with the offers, which may outlive this
  Offers() = default;
  Result<std::shared_ptr<const Held>> fill(const std::string& id, const std::string& content_id,
                                           const std::vector<std::string>& wanted,
                                           const std::filesystem::path& directory);
  std::shared_ptr<Shelf> shelf_;
};

}  // namespace rolesync::source
