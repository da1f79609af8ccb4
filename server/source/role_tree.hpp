// SPDX-License-Identifier: Apache-2.0
// The part of a commit's tree that belongs to a role, as a manifest. What could leave the target or
// cannot be put on a disk is refused here, with the path named. Pure; any thread.
#pragma once
#include <vector>

#include "host/activation/manifest.hpp"
#include "host/role/role.hpp"
#include "server/source/mirror.hpp"

namespace rolesync::source {

// Errors (kind invalid): submodule_refused, unsafe_symlink, path_refused, path_too_long,
// mode_refused, paths_collide. An empty manifest is fine: the role has no files.
Result<Manifest> role_manifest(const std::vector<TreeEntry>& tree, const Role& role);

}  // namespace rolesync::source
