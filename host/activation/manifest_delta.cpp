// SPDX-License-Identifier: Apache-2.0
#include "host/activation/manifest_delta.hpp"

#include <vector>

namespace rolesync {
namespace {

Error invalid(const char* what) {
  return {ErrorKind::invalid, "invalid_manifest", std::string("the manifest's difference ") + what};
}

struct Change {
  bool removed = false;
  std::string path;
  ManifestEntry entry;  // unless removed
};

// One record from the front of `delta`, which shrinks by it.
Result<Change> take_change(std::string_view& delta) {
  const char kind = delta.front();
  delta.remove_prefix(1);
  Change change;
  if (kind == '-') {
    const std::size_t end = delta.find('\0');
    if (end == std::string_view::npos) return invalid("is cut off");
    change.removed = true;
    change.path = delta.substr(0, end);
    delta.remove_prefix(end + 1);
    return change;
  }
  if (kind != '+') return invalid("has a record of no known kind");
  Result<ManifestEntry> entry = take_manifest_record(delta);
  if (!entry) return entry.error();
  change.path = entry->path;
  change.entry = std::move(*entry);
  return change;
}

}  // namespace

std::string manifest_delta(const Manifest& from, const Manifest& to) {
  std::string delta;
  for (const ManifestChange& change : compare(from, to)) {
    if (change.to) {
      delta += '+';
      append_manifest_record(delta, *change.to);
    } else {
      delta += '-';
      delta += change.path();
      delta += '\0';
    }
  }
  return delta;
}

Result<Manifest> apply_delta(const Manifest& from, std::string_view delta) {
  std::vector<ManifestEntry> entries;
  entries.reserve(from.entries().size());
  auto old = from.entries().begin();
  const auto end = from.entries().end();
  std::string before;
  while (!delta.empty()) {
    Result<Change> change = take_change(delta);
    if (!change) return change.error();
    if (change->path <= before) return invalid("is not sorted by path");
    while (old != end && old->path < change->path) entries.push_back(*old++);
    const bool known = old != end && old->path == change->path;
    if (change->removed && !known) return invalid("removes a file that is not there");
    if (known) ++old;
    before = std::move(change->path);
    if (!change->removed) entries.push_back(std::move(change->entry));
  }
  entries.insert(entries.end(), old, end);
  return Manifest::from_entries(std::move(entries));
}

}  // namespace rolesync
