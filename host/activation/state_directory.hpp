// SPDX-License-Identifier: Apache-2.0
// The names in <root>/.rolesync/<role>/ and the two ways to write there (docs/formats.md has the
// layout). Owned by one Installation; used by its thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/services/file_system.hpp"

namespace rolesync {

inline constexpr const char* kStateName = ".rolesync";

class StateDirectory {
 public:
  // Makes what is missing. `root` is canonical. Refuses directories that somebody else owns.
  static Result<StateDirectory> prepare(FileSystem& fs, const std::string& root,
                                        const std::string& role);

  const std::string& top() const { return top_; }
  std::string lock() const { return top_ + "/lock"; }
  std::string marker() const { return top_ + "/marker"; }
  std::string next_marker() const { return top_ + "/marker.next"; }
  std::string journal() const { return top_ + "/journal"; }
  std::string stats() const { return top_ + "/stats"; }
  std::string basis() const { return top_ + "/basis"; }

  std::string staging() const { return top_ + "/staging"; }
  std::string slot(const std::string& name) const { return top_ + "/staging/" + name; }
  std::string kept() const { return top_ + "/kept"; }
  std::string kept_blob(const std::string& id) const { return top_ + "/kept/" + id; }
  std::string releases() const { return top_ + "/releases"; }
  std::string release(std::uint64_t origin) const;
  std::string edits(std::uint64_t origin) const;
  std::string saved() const { return top_ + "/saved"; }
  std::string saved(std::uint64_t sequence) const;

  // Durable once sync_directory(top()) (or of the file's own directory) has followed.
  Status replace(FileSystem& fs, const std::string& path, std::string_view text) const;
  // A cache: whole or absent after a crash of ours, anything after a power cut.
  Status replace_cache(FileSystem& fs, const std::string& path, std::string_view text) const;

 private:
  std::string top_;
};

// The file's bytes; nothing when it is not there.
Result<std::optional<std::string>> read_if_there(FileSystem& fs, const std::string& path);

// Removes a file that may be gone already.
Status remove_if_there(FileSystem& fs, const std::string& path);

// Removes a directory of ours and everything below it, without following links.
Status remove_below(FileSystem& fs, const std::string& path);

}  // namespace rolesync
