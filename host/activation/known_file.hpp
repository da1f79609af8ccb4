// SPDX-License-Identifier: Apache-2.0
// What a file on the disk is, in the manifest's terms: mode and blob id. Other permission bits and
// owners do not count. Any thread.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "host/activation/manifest.hpp"
#include "host/services/file_system.hpp"

namespace rolesync {

struct KnownFile {
  FileMode mode = FileMode::regular;
  std::string blob_id;
  bool operator==(const KnownFile&) const = default;
};

// Nothing: there is no file.
using MaybeFile = std::optional<KnownFile>;
using FilesByPath = std::map<std::string, MaybeFile>;

// "100644:<blob id>", or "-" for nothing, and back (false: neither).
std::string to_text(const MaybeFile& file);
bool parse_file(std::string_view text, MaybeFile& file);

// directory "/" name; just the name when `directory` is "".
std::string path_below(const std::string& directory, const std::string& name);

// Regular file or symlink; nothing for directories, devices, pipes.
std::optional<FileMode> mode_of(const FileStat& stat);

// stat(), where a path below something that is no directory is simply not there.
Result<std::optional<FileStat>> look(FileSystem& fs, const std::string& path);

// Reads and hashes the file (for a symlink, its text) that stat() just described.
Result<std::string> hash_file(FileSystem& fs, const std::string& path, const FileStat& stat);

// look() and hash_file() together; nothing when there is no file or it is of another kind.
Result<MaybeFile> identify(FileSystem& fs, const std::string& path);

}  // namespace rolesync
