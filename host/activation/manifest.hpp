// SPDX-License-Identifier: Apache-2.0
// The list of files of a role at a commit, and its hash. The text form is
//   mode SP blob_id SP size NUL path NUL     (sorted by the bytes of path)
// and content_id is "rs1:" + sha256 of that text (docs/formats.md). Blob ids are git's SHA-1 ids
// (40 hex digits). Pure; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/values/result.hpp"

namespace rolesync {

enum class FileMode : std::uint32_t { regular = 0100644, executable = 0100755, symlink = 0120000 };

struct ManifestEntry {
  FileMode mode = FileMode::regular;
  std::string blob_id;
  std::uint64_t size = 0;
  std::string path;  // relative to the role's target, '/' between parts
  bool operator==(const ManifestEntry&) const = default;
};

class Manifest {
 public:
  Manifest();  // of nothing
  // Sorts. Refuses duplicate paths, a file that is also a directory, bad paths, modes and ids.
  static Result<Manifest> from_entries(std::vector<ManifestEntry> entries);
  // Refuses anything that to_text would not have written.
  static Result<Manifest> parse(std::string_view text);

  std::string to_text() const;
  const std::string& content_id() const { return content_id_; }
  const std::vector<ManifestEntry>& entries() const { return entries_; }
  const ManifestEntry* find(std::string_view path) const;
  bool empty() const { return entries_.empty(); }
  std::uint64_t total_bytes() const;
  // True when some entry lies below `directory` ("" is the tree's top, true unless empty).
  bool has_below(std::string_view directory) const;

 private:
  Manifest(std::vector<ManifestEntry> entries, std::string_view text);
  std::vector<ManifestEntry> entries_;
  std::string content_id_;  // hashed once: everybody who makes a manifest asks for it
};

struct ManifestChange {
  const ManifestEntry* from = nullptr;  // nullptr: added
  const ManifestEntry* to = nullptr;    // nullptr: removed
  const std::string& path() const { return (to ? to : from)->path; }
};

// "100644", "100755", "120000", and back; anything else is nothing.
std::string_view to_text(FileMode mode);
std::optional<FileMode> file_mode(std::string_view text);

// A symlink must be relative and stay inside the role, judged by its text alone: ".." only at its
// beginning, and never above the top as seen from the directory of `path`. Whoever has the link's
// bytes calls this (the server at import, the agent before a switch). Errors: reason
// unsafe_symlink.
Status check_symlink(std::string_view path, std::string_view link_text);

bool is_blob_id(std::string_view text);

// One record of the text form: the building block of manifest_delta. take_ reads from the front of
// `text`, which shrinks by it.
void append_manifest_record(std::string& text, const ManifestEntry& entry);
Result<ManifestEntry> take_manifest_record(std::string_view& text);

// Changes in path order; pointers into the two manifests, which must outlive the result.
std::vector<ManifestChange> compare(const Manifest& from, const Manifest& to);

}  // namespace rolesync
