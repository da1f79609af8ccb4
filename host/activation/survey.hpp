// SPDX-License-Identifier: Apache-2.0
// What lies in a role's territory although nobody may have recorded it: the files at given paths,
// hashed, and how much else there is. Needs no installation and changes nothing. One thread.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "host/activation/installation.hpp"

namespace rolesync {

// A path that was asked for and has something that cannot be told.
struct OddFile {
  std::string path;
  std::string reason;  // not_a_file, symlink_in_path, unreadable
};

struct Survey {
  std::vector<ManifestEntry> found;  // by path
  std::vector<OddFile> odd;
  std::size_t others = 0;             // files at paths that nobody asked for
  bool counted_all = true;            // false: there are more of these
  std::vector<std::string> examples;  // of these
};

// `paths` are relative to the target, sorted; `going` is asked now and then whether to go on.
// Errors: those of make_canonical(); not_found/nothing_there, conflict/cancelled.
Result<Survey> survey(FileSystem& fs, InstallationOptions options,
                      const std::vector<std::string>& paths, const std::function<bool()>& going);

}  // namespace rolesync
