// SPDX-License-Identifier: Apache-2.0
// What a switch displaced finds its place: files of the release that was left become kept blobs,
// everything else is saved. Runs after the marker is durable (or after the switch was undone), and
// again after an interruption. Belongs to one Installation; its thread.
#pragma once
#include <vector>

#include "host/activation/installation.hpp"
#include "host/activation/journal.hpp"
#include "host/activation/state_directory.hpp"

namespace rolesync {

enum class Ending {
  forward,  // the switch is done
  back,     // it was undone: staged files stay in their slots, what else is there was displaced
};

// Empties the slots of the journal's steps. Durable when it returns.
Result<std::vector<SavedFile>> settle(FileSystem& fs, const StateDirectory& state,
                                      const Journal& journal, Ending ending);

}  // namespace rolesync
