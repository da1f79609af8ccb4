// SPDX-License-Identifier: Apache-2.0
#include "host/activation/manifest.hpp"

#include <algorithm>
#include <charconv>

#include "host/values/hash.hpp"
#include "host/values/names.hpp"

namespace rolesync {
namespace {

Error invalid(std::string message) {
  return {ErrorKind::invalid, "invalid_manifest", std::move(message)};
}

// For messages: a path may hold anything but NUL, so what a terminal could misread is shown as '?'.
std::string shown(std::string_view path) {
  std::string out = "\"";
  for (const char c : path.substr(0, 200)) out += static_cast<unsigned char>(c) < 32 ? '?' : c;
  return out + "\"";
}

Status check_entry(const ManifestEntry& entry) {
  if (!is_relative_path(entry.path)) {
    return invalid("the path " + shown(entry.path) + " is not a plain relative path");
  }
  if (!is_blob_id(entry.blob_id)) {
    return invalid("the blob id of " + shown(entry.path) + " is not 40 lower-case hex digits");
  }
  if (to_text(entry.mode).empty()) {
    return invalid("the mode of " + shown(entry.path) + " is none of 100644, 100755, 120000");
  }
  return {};
}

const ManifestEntry* find_in(const std::vector<ManifestEntry>& entries, std::string_view path) {
  const auto at = std::lower_bound(
      entries.begin(), entries.end(), path,
      [](const ManifestEntry& entry, std::string_view wanted) { return entry.path < wanted; });
  return at != entries.end() && at->path == path ? &*at : nullptr;
}

// Parents that an entry shares with the one before it were looked up for that one already.
Status check_parents(const std::vector<ManifestEntry>& entries, std::size_t index) {
  const std::string_view path = entries[index].path;
  const std::string_view before = index > 0 ? std::string_view(entries[index - 1].path) : "";
  const auto apart = std::mismatch(path.begin(), path.end(), before.begin(), before.end()).first;
  const auto shared = static_cast<std::size_t>(apart - path.begin());
  for (std::size_t slash = path.find('/', shared); slash != std::string_view::npos;
       slash = path.find('/', slash + 1)) {
    if (find_in(entries, path.substr(0, slash))) {
      return invalid(shown(path.substr(0, slash)) + " is both a file and a directory");
    }
  }
  return {};
}

Status check_sorted(const std::vector<ManifestEntry>& entries) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (Status status = check_entry(entries[i]); !status) return status;
    if (i > 0 && entries[i - 1].path == entries[i].path) {
      return invalid("the path " + shown(entries[i].path) + " stands twice");
    }
    if (Status status = check_parents(entries, i); !status) return status;
  }
  return {};
}

// Decimal without sign or leading zeros, so that every number has one spelling.
std::optional<std::uint64_t> plain_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return value;
}

}  // namespace

Result<ManifestEntry> take_manifest_record(std::string_view& text) {
  const std::size_t head_end = text.find('\0');
  const std::size_t path_end =
      head_end == std::string_view::npos ? head_end : text.find('\0', head_end + 1);
  if (path_end == std::string_view::npos) return invalid("the last record is cut off");
  const std::string_view head = text.substr(0, head_end);
  if (head.size() < 49 || head[6] != ' ' || head[47] != ' ') {
    return invalid("a record is not \"mode blob_id size\"");
  }
  const auto mode = file_mode(head.substr(0, 6));
  const auto size = plain_number(head.substr(48));
  if (!mode) return invalid("a mode is none of 100644, 100755, 120000");
  if (!size) return invalid("a size is not a plain decimal number");
  ManifestEntry entry{*mode, std::string(head.substr(7, 40)), *size,
                      std::string(text.substr(head_end + 1, path_end - head_end - 1))};
  text.remove_prefix(path_end + 1);
  return entry;
}

void append_manifest_record(std::string& text, const ManifestEntry& entry) {
  text += to_text(entry.mode);
  text += ' ';
  text += entry.blob_id;
  text += ' ';
  text += std::to_string(entry.size);
  text += '\0';
  text += entry.path;
  text += '\0';
}

std::string_view to_text(FileMode mode) {
  switch (mode) {
    case FileMode::regular:
      return "100644";
    case FileMode::executable:
      return "100755";
    case FileMode::symlink:
      return "120000";
  }
  return "";
}

std::optional<FileMode> file_mode(std::string_view text) {
  if (text == "100644") return FileMode::regular;
  if (text == "100755") return FileMode::executable;
  if (text == "120000") return FileMode::symlink;
  return std::nullopt;
}

bool is_blob_id(std::string_view text) {
  return text.size() == 40 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Status check_symlink(std::string_view path, std::string_view link_text) {
  const auto unsafe = [&](const std::string& why) {
    return Error{ErrorKind::invalid, "unsafe_symlink",
                 "the symlink " + shown(path) + " to " + shown(link_text) + " " + why,
                 "link to a file of the same role by a relative path"};
  };
  if (link_text.empty() || link_text.size() > 4095) return unsafe("has no usable target");
  if (link_text.find('\0') != std::string_view::npos) return unsafe("has a NUL in its target");
  if (link_text.front() == '/') return unsafe("is absolute");
  auto depth = std::count(path.begin(), path.end(), '/');
  bool named = false;
  for (std::size_t begin = 0; begin <= link_text.size();) {
    const std::size_t end = std::min(link_text.find('/', begin), link_text.size());
    const std::string_view part = link_text.substr(begin, end - begin);
    if (part == "..") {
      // After a name, ".." goes wherever that name (perhaps a link itself) leads: not judged here.
      if (named) return unsafe("has \"..\" after a name");
      if (--depth < 0) return unsafe("leaves the role");
    } else if (!part.empty() && part != ".") {
      named = true;
    }
    begin = end + 1;
  }
  return {};
}

namespace {

std::string text_of(const std::vector<ManifestEntry>& entries) {
  std::size_t size = 0;
  for (const ManifestEntry& entry : entries) size += entry.path.size() + 80;
  std::string text;
  text.reserve(size);
  for (const ManifestEntry& entry : entries) append_manifest_record(text, entry);
  return text;
}

}  // namespace

Result<Manifest> Manifest::from_entries(std::vector<ManifestEntry> entries) {
  const auto by_path = [](const ManifestEntry& a, const ManifestEntry& b) {
    return a.path < b.path;
  };
  if (!std::is_sorted(entries.begin(), entries.end(), by_path)) {
    std::sort(entries.begin(), entries.end(), by_path);
  }
  if (Status status = check_sorted(entries); !status) return status.error();
  const std::string text = text_of(entries);
  return Manifest(std::move(entries), text);
}

Result<Manifest> Manifest::parse(std::string_view text) {
  std::vector<ManifestEntry> entries;
  for (std::string_view rest = text; !rest.empty();) {
    Result<ManifestEntry> entry = take_manifest_record(rest);
    if (!entry) return entry.error();
    if (!entries.empty() && !(entries.back().path < entry->path)) {
      return invalid("the records are not sorted by path at " + shown(entry->path));
    }
    entries.push_back(std::move(*entry));
  }
  if (Status status = check_sorted(entries); !status) return status.error();
  return Manifest(std::move(entries), text);
}

Manifest::Manifest() : Manifest({}, "") {}

Manifest::Manifest(std::vector<ManifestEntry> entries, std::string_view text)
    : entries_(std::move(entries)), content_id_("rs1:" + sha256_hex(text)) {}

std::string Manifest::to_text() const {
  return text_of(entries_);
}

const ManifestEntry* Manifest::find(std::string_view path) const {
  return find_in(entries_, path);
}

std::uint64_t Manifest::total_bytes() const {
  std::uint64_t total = 0;
  for (const ManifestEntry& entry : entries_) total += entry.size;
  return total;
}

bool Manifest::has_below(std::string_view directory) const {
  if (directory.empty()) return !empty();
  const std::string prefix = std::string(directory) + '/';
  const auto at = std::lower_bound(
      entries_.begin(), entries_.end(), prefix,
      [](const ManifestEntry& entry, const std::string& wanted) { return entry.path < wanted; });
  return at != entries_.end() && at->path.starts_with(prefix);
}

std::vector<ManifestChange> compare(const Manifest& from, const Manifest& to) {
  std::vector<ManifestChange> changes;
  auto old = from.entries().begin();
  auto next = to.entries().begin();
  while (old != from.entries().end() || next != to.entries().end()) {
    const int order = old == from.entries().end()  ? 1
                      : next == to.entries().end() ? -1
                                                   : old->path.compare(next->path);
    if (order < 0) {
      changes.push_back({&*old++, nullptr});
    } else if (order > 0) {
      changes.push_back({nullptr, &*next++});
    } else {
      if (*old != *next) changes.push_back({&*old, &*next});
      ++old;
      ++next;
    }
  }
  return changes;
}

}  // namespace rolesync
