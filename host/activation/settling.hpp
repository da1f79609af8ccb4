// SPDX-License-Identifier: Apache-2.0
// What a finished switch displaced finds its place: files of the release that was left become kept
// blobs, everything else is saved. Runs after the marker is durable, and again after an
// interruption. Belongs to one Installation; its thread.
#pragma once
#include <vector>

#include "host/activation/installation.hpp"
#include "host/activation/journal.hpp"
#include "host/activation/state_directory.hpp"

namespace rolesync {

// Empties the slots of the journal's steps. Durable when it returns.
Result<std::vector<SavedFile>> settle(FileSystem& fs, const StateDirectory& state,
                                      const Journal& journal);

}  // namespace rolesync
