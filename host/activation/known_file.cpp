// SPDX-License-Identifier: Apache-2.0
#include "host/activation/known_file.hpp"

#include "host/values/hash.hpp"

namespace rolesync {

std::string to_text(const MaybeFile& file) {
  return file ? std::string(to_text(file->mode)) + ":" + file->blob_id : "-";
}

bool parse_file(std::string_view text, MaybeFile& file) {
  file.reset();
  if (text == "-") return true;
  if (text.size() != 47 || text[6] != ':') return false;
  const auto mode = file_mode(text.substr(0, 6));
  if (!mode || !is_blob_id(text.substr(7))) return false;
  file = KnownFile{*mode, std::string(text.substr(7))};
  return true;
}

std::string path_below(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

std::optional<FileMode> mode_of(const FileStat& stat) {
  if (stat.type == FileType::symlink) return FileMode::symlink;
  if (stat.type != FileType::regular) return std::nullopt;
  return (stat.mode & 0100) != 0 ? FileMode::executable : FileMode::regular;
}

Result<std::optional<FileStat>> look(FileSystem& fs, const std::string& path) {
  Result<FileStat> found = fs.stat(path);
  if (found) return std::optional<FileStat>(*found);
  if (found.error().reason == "enoent" || found.error().reason == "enotdir") {
    return std::optional<FileStat>();
  }
  return found.error();
}

Result<std::string> hash_file(FileSystem& fs, const std::string& path, const FileStat& stat) {
  if (stat.type == FileType::symlink) {
    const Result<std::string> text = fs.read_link(path);
    if (!text) return text.error();
    return git_blob_id(*text);
  }
  // A file that grows or shrinks meanwhile gets an id that no blob has: it counts as changed.
  Hasher hasher = Hasher::git_blob(stat.size);
  Status status = fs.read_chunks(path, [&](std::string_view bytes) { hasher.update(bytes); });
  if (!status) return status.error();
  return hasher.hex();
}

Result<MaybeFile> identify(FileSystem& fs, const std::string& path) {
  const auto found = look(fs, path);
  if (!found) return found.error();
  if (!*found || !mode_of(**found)) return MaybeFile();
  const Result<std::string> id = hash_file(fs, path, **found);
  if (!id) return id.error();
  return MaybeFile(KnownFile{*mode_of(**found), *id});
}

}  // namespace rolesync
