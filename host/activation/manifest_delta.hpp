// SPDX-License-Identifier: Apache-2.0
// One manifest told as the difference from another, so that a small commit to a large tree costs a
// few hundred bytes on the wire. Records, sorted by path:
//   '+' mode SP blob_id SP size NUL path NUL      added, or instead of the entry with that path
//   '-' path NUL                                  removed
// (docs/formats.md). Whoever applies one compares the content id of the result. Pure; any thread.
#pragma once
#include <string>
#include <string_view>

#include "host/activation/manifest.hpp"

namespace rolesync {

std::string manifest_delta(const Manifest& from, const Manifest& to);

// Refuses what manifest_delta would not have written for `from`. Error: invalid/invalid_manifest.
Result<Manifest> apply_delta(const Manifest& from, std::string_view delta);

}  // namespace rolesync
