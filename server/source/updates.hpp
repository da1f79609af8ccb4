// SPDX-License-Identifier: Apache-2.0
// What takes a node from one content to the next in a single answer (host/activation/pack.hpp): the
// difference of the manifests and, for a small change, the bytes. Made once, given to every node
// that asks for the same; the youngest are kept in memory. Any thread.
#pragma once
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "server/source/blob_cache.hpp"

namespace rolesync::source {

class Updates {
 public:
  explicit Updates(BlobCache& cache) : cache_(cache) {}

  // Asked once per update: whether so many files and bytes may travel as a pack.
  using MayPack = std::function<bool(std::uint64_t files, std::uint64_t bytes)>;
  struct Wish {
    std::string from, to;  // content ids
    std::string terms;     // wishes with other terms are not the same (who answers MayPack)
  };
  using Text = std::shared_ptr<const std::string>;
  // Errors: not_found/unknown_content when the cache has not both contents. A blob that is missing
  // or corrupt is no error: the update has no pack then, and an offer will bring the blob back.
  Result<Text> get(const Wish& wish, const MayPack& may_pack);

 private:
  static constexpr std::size_t kept_ = 32;  // of at most 4 MiB each; mostly some kilobytes
  struct Place {
    std::string key;
    std::shared_future<Result<Text>> text;
  };
  Result<Text> make(const Wish& wish, const MayPack& may_pack) const;
  void forget(const std::string& key);

  BlobCache& cache_;
  std::mutex mutex_;
  std::list<Place> places_;  // youngest first
};

}  // namespace rolesync::source
