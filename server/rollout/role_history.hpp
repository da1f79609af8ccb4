// SPDX-License-Identifier: Apache-2.0
// The history of a role, read from a mirror by its present definition. Any thread.
#pragma once
#include "host/role/role.hpp"
#include "server/domain/nearest.hpp"
#include "server/source/mirror.hpp"

namespace rolesync::rollout {

Result<domain::RoleHistory> read_history(const source::Mirror& mirror, const Role& role);

}  // namespace rolesync::rollout
