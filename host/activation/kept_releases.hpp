// SPDX-License-Identifier: Apache-2.0
// The releases that roll_back() can return to: records in releases/, bytes in kept/. Belongs to one
// Installation; its thread.
#pragma once
#include <vector>

#include "host/activation/journal.hpp"
#include "host/activation/marker_record.hpp"
#include "host/activation/state_directory.hpp"

namespace rolesync {

// Origins of the kept releases that are older than `current`, newest first.
Result<std::vector<std::uint64_t>> kept_origins(FileSystem& fs, const StateDirectory& state,
                                                std::uint64_t current);

Result<MarkerRecord> read_kept(FileSystem& fs, const StateDirectory& state, std::uint64_t origin);

// Paths that were edited or missing when that release was replaced, and whose deployed bytes this
// node no longer has: what was there instead.
Result<FilesByPath> read_edits(FileSystem& fs, const StateDirectory& state, std::uint64_t origin);

// Forgets the record (not its blobs).
Status drop_kept(FileSystem& fs, const StateDirectory& state, std::uint64_t origin);

// Keeps the newest `keep` releases before `current` and the blobs that they or `current` may need;
// drops the rest.
Status sweep_kept(FileSystem& fs, const StateDirectory& state, const MarkerRecord& current,
                  std::size_t keep);

}  // namespace rolesync
