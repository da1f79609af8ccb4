// SPDX-License-Identifier: Apache-2.0
#include "host/activation/stat_cache.hpp"

#include <algorithm>
#include <charconv>

#include "host/activation/sealed_text.hpp"

namespace rolesync {
namespace {

// Kernels stamp files by their timer tick (1 to 10 ms); two ticks are the margin.
constexpr std::int64_t kTick = 20'000'000;
// Stamps without a fraction come from a file system that stores seconds (FAT: two of them).
constexpr std::int64_t kCoarseTick = 2'000'000'000;

std::int64_t tick_of(const FileStat& stat) {
  const bool coarse = stat.ctime_ns % 1'000'000'000 == 0 && stat.mtime_ns % 1'000'000'000 == 0;
  return coarse ? kCoarseTick : kTick;
}

template <class Number>
bool take_number(std::string_view& rest, Number& value) {
  std::string_view field;
  if (!take_field(rest, ' ', field)) return false;
  const auto [end, problem] = std::from_chars(field.data(), field.data() + field.size(), value);
  return problem == std::errc() && end == field.data() + field.size();
}

}  // namespace

bool is_settled(const FileStat& stat, std::int64_t now_ns) {
  return now_ns - stat.ctime_ns >= tick_of(stat);
}

bool content_is_settled(const FileStat& stat, std::int64_t now_ns) {
  return now_ns - stat.mtime_ns >= tick_of(stat);
}

const std::string* StatCache::id_of(std::size_t index, const ManifestEntry& entry,
                                    const FileStat& stat) const {
  const Seen& seen = seen_[index];
  if (!seen.known || seen.racy || seen.size != stat.size || seen.inode != stat.inode ||
      seen.mtime_ns != stat.mtime_ns || seen.ctime_ns != stat.ctime_ns) {
    return nullptr;
  }
  return seen.other_id.empty() ? &entry.blob_id : &seen.other_id;
}

void StatCache::record(std::size_t index, const ManifestEntry& entry, const FileStat& stat,
                       const std::string& id, std::int64_t now_ns) {
  Seen& seen = seen_[index];
  seen.inode = stat.inode;
  seen.size = stat.size;
  seen.mtime_ns = stat.mtime_ns;
  seen.ctime_ns = stat.ctime_ns;
  seen.known = true;
  seen.racy = !is_settled(stat, now_ns);
  seen.other_id = id == entry.blob_id ? std::string() : id;
  ++unsaved_;
}

StatCache StatCache::rebased(const Manifest& from, const Manifest& to) const {
  StatCache out(to);
  out.unsaved_ = unsaved_;
  std::size_t i = 0;
  for (std::size_t j = 0; j < to.entries().size(); ++j) {
    const ManifestEntry& next = to.entries()[j];
    while (i < from.entries().size() && from.entries()[i].path < next.path) ++i;
    if (i == from.entries().size()) break;
    const ManifestEntry& old = from.entries()[i];
    if (old.path != next.path) continue;
    Seen& seen = out.seen_[j] = seen_[i];
    if (seen.known && old.blob_id != next.blob_id) {
      const std::string id = seen.other_id.empty() ? old.blob_id : seen.other_id;
      seen.other_id = id == next.blob_id ? std::string() : id;
    }
  }
  return out;
}

std::string StatCache::save(const Manifest& manifest) {
  std::string body;
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const Seen& seen = seen_[i];
    if (!seen.known || seen.racy) continue;
    const ManifestEntry& entry = manifest.entries()[i];
    body += std::to_string(seen.size) + " " + std::to_string(seen.mtime_ns) + " " +
            std::to_string(seen.ctime_ns) + " " + std::to_string(seen.inode) + " " +
            (seen.other_id.empty() ? entry.blob_id : seen.other_id);
    body += '\0';
    body += entry.path;
    body += '\0';
  }
  unsaved_ = 0;
  return seal("stats", body);
}

bool StatCache::parse(std::string_view head, const ManifestEntry& entry, Seen& seen) {
  if (!take_number(head, seen.size) || !take_number(head, seen.mtime_ns) ||
      !take_number(head, seen.ctime_ns) || !take_number(head, seen.inode) || !is_blob_id(head)) {
    return false;
  }
  seen.other_id = head == entry.blob_id ? std::string() : std::string(head);
  seen.known = true;
  return true;
}

StatCache StatCache::load(std::string_view text, const Manifest& manifest) {
  StatCache cache(manifest);
  const Result<std::string_view> body = unseal("stats", text, "stats");
  if (!body) return cache;
  const auto& entries = manifest.entries();
  auto at = entries.begin();
  for (std::string_view rest = *body; !rest.empty();) {
    std::string_view head;
    std::string_view path;
    if (!take_field(rest, '\0', head) || !take_field(rest, '\0', path)) return StatCache(manifest);
    at = std::lower_bound(at, entries.end(), path,
                          [](const ManifestEntry& e, std::string_view p) { return e.path < p; });
    if (at == entries.end()) break;
    if (at->path != path) continue;
    Seen& seen = cache.seen_[static_cast<std::size_t>(at - entries.begin())];
    if (!parse(head, *at, seen)) return StatCache(manifest);
  }
  return cache;
}

}  // namespace rolesync
