// SPDX-License-Identifier: Apache-2.0
// Who could exchange what stands at a path: its owner, and those of the directories above. Any
// thread.
#pragma once
#include <optional>
#include <string>

namespace rolesync::agent::doctor {

// What is wrong, as a sentence about the path or the first directory above it that others than root
// and this user may change; nothing when all is well.
std::optional<std::string> unsafe_owner(const std::string& path);

}  // namespace rolesync::agent::doctor
