// SPDX-License-Identifier: Apache-2.0
// Which blob a file held when it had this stat: what makes proving an unchanged tree cost one stat
// per file. Aligned with the entries of one manifest. One thread at a time.
//
// A change always sets ctime, but two changes within one tick of the file system's clock set the
// same one. An entry recorded while its ctime was younger than a tick is "racy" and never trusted.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/activation/manifest.hpp"
#include "host/services/file_system.hpp"

namespace rolesync {

// False while a change could still happen that leaves this stat as it is.
bool is_settled(const FileStat& stat, std::int64_t now_ns);
// False while bytes could still be written that leave mtime as it is (ctime may have moved on).
bool content_is_settled(const FileStat& stat, std::int64_t now_ns);

class StatCache {
 public:
  explicit StatCache(const Manifest& manifest) : seen_(manifest.entries().size()) {}

  // The blob id of entry `index` when its stat is trusted, else nullptr.
  const std::string* id_of(std::size_t index, const ManifestEntry& entry,
                           const FileStat& stat) const;
  // `now_ns` is a time before the stat was taken.
  void record(std::size_t index, const ManifestEntry& entry, const FileStat& stat,
              const std::string& id, std::int64_t now_ns);
  void forget(std::size_t index) { seen_[index] = Seen(); }

  // The same knowledge, aligned with another manifest.
  StatCache rebased(const Manifest& from, const Manifest& to) const;

  // Whether so much is new since save() that it should be written: what is not there costs the next
  // start the reading of those files, while save() costs as much as the whole tree has entries.
  bool worth_saving() const { return unsaved_ > 0 && unsaved_ * 50 >= seen_.size(); }
  std::string save(const Manifest& manifest);
  // A cache: anything unreadable is an empty one.
  static StatCache load(std::string_view text, const Manifest& manifest);

 private:
  struct Seen {
    std::uint64_t inode = 0, size = 0;
    std::int64_t mtime_ns = 0, ctime_ns = 0;
    bool known = false, racy = false;
    std::string other_id;  // empty: the blob id of the manifest's entry
  };
  static bool parse(std::string_view head, const ManifestEntry& entry, Seen& seen);

  std::vector<Seen> seen_;
  std::size_t unsaved_ = 0;  // entries recorded since save()
};

}  // namespace rolesync
