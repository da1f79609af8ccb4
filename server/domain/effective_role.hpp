// SPDX-License-Identifier: Apache-2.0
// The one effective definition of a role: what its plugin says, overridden field by field by what
// people decided, filled up by defaults. Pure; any thread.
#pragma once
#include <map>
#include <string>

#include "host/role/role.hpp"

namespace rolesync::domain {

struct EffectiveRole {
  Role role;
  std::string revision;
  std::string plugin;                             // id of the role plugin; empty: database only
  std::map<std::string, std::string> provenance;  // field -> "plugin", "override" or "default"
};

// `spec` is what the plugin answered, null when no plugin provides the role; `overrides` the stored
// fields, null when there are none. Errors: invalid_role, deployer_contradicts_sync_type,
// role_name_mismatch.
Result<EffectiveRole> effective_role(const std::string& name, const Json& spec,
                                     const Json& overrides, const RoleDefaults& defaults);

// What must be stored so that the role becomes what was asked for: the given fields without those
// that are equal to the plugin's own. Errors as above, with pointers into `wanted`.
Result<Json> overrides_for(const std::string& name, const Json& spec, const Json& wanted,
                           const RoleDefaults& defaults);

}  // namespace rolesync::domain
