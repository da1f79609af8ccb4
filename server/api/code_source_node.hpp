// SPDX-License-Identifier: Apache-2.0
// Holding the code source and having the code-source role are the same thing: whichever of the two
// is changed, the other follows. Inside Store::write.
#pragma once
#include <optional>
#include <set>
#include <string>

#include "server/api/api.hpp"

namespace rolesync::api {

struct AssignedRoles {
  std::string node;
  std::set<std::string> roles;
  std::int64_t version = 0;
};

// The node of a source has become `node` (empty: none): gives it the role, and takes it from
// `before` unless that node holds another source. Returns what must be told to the registry.
Result<std::vector<AssignedRoles>> move_source_role(store::Session& session, Api& api,
                                                    const std::string& source,
                                                    const std::string& before,
                                                    const std::string& node, const std::string& by);

// The roles of a node are to become `roles`: moves the main source to it when it gets the role;
// conflict/code_source_in_use when it would lose the role while it still holds a source.
Status follow_assignment(store::Session& session, Api& api, const std::string& node,
                         const std::set<std::string>& before, const std::set<std::string>& roles);

// After the commit.
void tell_assigned(Api& api, const std::vector<AssignedRoles>& changes,
                   const std::string& request_id);

}  // namespace rolesync::api
