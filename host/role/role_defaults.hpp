// SPDX-License-Identifier: Apache-2.0
// What configuration starts from: which plugin serves a role that names none, and which role marks
// the node of the repository. The only place outside plugins/ where ids of plugins stand; a test
// holds that. Everything here can be set in the config files. Pure; any thread.
#pragma once
#include "host/role/role.hpp"

namespace rolesync {

inline RoleDefaults usual_role_defaults() {
  return {"rsync_component", "package", "path_service_port", "systemd", "none"};
}

inline constexpr const char* usual_code_source_role = "code-source";

}  // namespace rolesync
