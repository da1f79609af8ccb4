// SPDX-License-Identifier: Apache-2.0
#include "server/domain/effective_role.hpp"

#include <nlohmann/json.hpp>

namespace rolesync::domain {
namespace {

Json merged(const std::string& name, const Json& spec, const Json& overrides) {
  Json fields = spec.is_object() ? spec : Json::object();
  if (overrides.is_object()) {
    for (const auto& [field, value] : overrides.items()) fields[field] = value;
  }
  if (!fields.contains("role_name")) fields["role_name"] = name;
  return fields;
}

Result<Role> complete_role(const std::string& name, const Json& fields,
                           const RoleDefaults& defaults) {
  auto role = role_from_json(fields);
  if (!role) return role.error();
  if (role->name != name) {
    return Error{ErrorKind::invalid,
                 "role_name_mismatch",
                 "the role is called " + name + ", not " + role->name,
                 "role names never change; create a new role instead",
                 {{"/role_name", "must be " + name}}};
  }
  if (Status status = apply_defaults(*role, defaults); !status) return status.error();
  return role;
}

}  // namespace

Result<EffectiveRole> effective_role(const std::string& name, const Json& spec,
                                     const Json& overrides, const RoleDefaults& defaults) {
  auto role = complete_role(name, merged(name, spec, overrides), defaults);
  if (!role) return role.error();
  EffectiveRole result{*role, role_revision(*role), spec.is_object() ? name : "", {}};
  for (const std::string& field : role_fields()) {
    if (overrides.is_object() && overrides.contains(field)) {
      result.provenance[field] = "override";
    } else if (spec.is_object() && spec.contains(field)) {
      result.provenance[field] = "plugin";
    } else {
      result.provenance[field] = "default";
    }
  }
  return result;
}

Result<Json> overrides_for(const std::string& name, const Json& spec, const Json& wanted,
                           const RoleDefaults& defaults) {
  if (!wanted.is_object()) {
    return Error{ErrorKind::invalid, "invalid_role", "a role must be a JSON object"};
  }
  const auto asked = complete_role(name, merged(name, spec, wanted), defaults);
  if (!asked) return asked.error();

  Json inherited = Json::object();
  if (spec.is_object()) {
    const auto plain = complete_role(name, merged(name, spec, Json()), defaults);
    if (plain) inherited = role_to_json(*plain);  // a broken spec may be repaired by overrides
  }
  const Json full = role_to_json(*asked);
  Json overrides = Json::object();
  for (const auto& [field, value] : wanted.items()) {
    if (field == "role_name") continue;
    if (!inherited.contains(field) || inherited[field] != full[field])
      overrides[field] = full[field];
  }
  return overrides;
}

}  // namespace rolesync::domain
