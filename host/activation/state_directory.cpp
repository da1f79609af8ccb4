// SPDX-License-Identifier: Apache-2.0
#include "host/activation/state_directory.hpp"

#include <unistd.h>

#include "host/activation/known_file.hpp"

namespace rolesync {
namespace {

// True when the directory had to be made.
Result<bool> make_if_missing(FileSystem& fs, const std::string& path) {
  const Status made = fs.make_directory(path, 0700);
  if (made) return true;
  if (made.error().reason == "eexist") return false;
  return made.error();
}

// Whoever owns the directory could exchange what is in it, so it must be us, and only us.
Status check_ours(FileSystem& fs, const std::string& path) {
  const Result<FileStat> found = fs.stat(path);
  if (!found) return found.error();
  if (found->type != FileType::directory || found->uid != ::geteuid()) {
    return Error{ErrorKind::denied, "state_not_ours",
                 path + " is not a directory of the user that runs rolesync",
                 "move it away, or give it to that user"};
  }
  return (found->mode & 0777) == 0700 ? Status() : fs.set_mode(path, 0700);
}

}  // namespace

Result<StateDirectory> StateDirectory::prepare(FileSystem& fs, const std::string& root,
                                               const std::string& role) {
  StateDirectory state;
  const std::string shared = root + "/" + kStateName;
  state.top_ = shared + "/" + role;
  for (const std::string& path : {shared, state.top_}) {
    const Result<bool> made = make_if_missing(fs, path);
    if (!made) return made.error();
    if (Status ours = check_ours(fs, path); !ours) return ours.error();
    if (*made) {
      const Status synced = fs.sync_directory(path == shared ? root : shared);
      if (!synced) return synced.error();
    }
  }
  bool any = false;
  for (const std::string& path : {state.staging(), state.kept(), state.releases(), state.saved()}) {
    const Result<bool> made = make_if_missing(fs, path);
    if (!made) return made.error();
    any = any || *made;
  }
  if (any) {
    if (Status synced = fs.sync_directory(state.top_); !synced) return synced.error();
  }
  return state;
}

std::string StateDirectory::release(std::uint64_t origin) const {
  return releases() + "/" + std::to_string(origin);
}
std::string StateDirectory::edits(std::uint64_t origin) const {
  return release(origin) + ".edits";
}
std::string StateDirectory::saved(std::uint64_t sequence) const {
  return saved() + "/" + std::to_string(sequence);
}

Status StateDirectory::replace(FileSystem& fs, const std::string& path,
                               std::string_view text) const {
  const std::string temporary = path + ".tmp";
  if (Status status = fs.write(temporary, text, 0600); !status) return status;
  if (Status status = fs.sync_file(temporary); !status) return status;
  return fs.rename(temporary, path);
}

Status StateDirectory::replace_cache(FileSystem& fs, const std::string& path,
                                     std::string_view text) const {
  const std::string temporary = path + ".tmp";
  if (Status status = fs.write(temporary, text, 0600); !status) return status;
  return fs.rename(temporary, path);
}

Result<std::optional<std::string>> read_if_there(FileSystem& fs, const std::string& path) {
  Result<std::string> text = fs.read(path);
  if (text) return std::optional<std::string>(std::move(*text));
  if (text.error().kind == ErrorKind::not_found) return std::optional<std::string>();
  return text.error();
}

Status remove_if_there(FileSystem& fs, const std::string& path) {
  const Status removed = fs.remove_file(path);
  return removed || removed.error().kind == ErrorKind::not_found ? Status() : removed;
}

Status remove_below(FileSystem& fs, const std::string& path) {
  const Result<FileStat> found = fs.stat(path);
  if (!found) return found.error().kind == ErrorKind::not_found ? Status() : found.error();
  if (found->type != FileType::directory) return fs.remove_file(path);
  const Result<std::vector<std::string>> names = fs.list(path);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (Status status = remove_below(fs, path_below(path, name)); !status) return status;
  }
  return fs.remove_directory(path);
}

}  // namespace rolesync
