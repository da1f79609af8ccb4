// SPDX-License-Identifier: Apache-2.0
// What to say about the version of a role on a node: one word, a reason code and what to do next.
// Computed from what the node measured and what is newest; never stored. Pure; any thread.
#pragma once
#include <optional>
#include <string>

#include "server/domain/report.hpp"

namespace rolesync::domain {

// The newest content of a role, or why there is none.
struct NewestContent {
  std::string commit, content_id;  // content_id empty: none
  std::string reason, message;     // then
};

struct VersionState {
  std::string state;   // current, outdated, drifted, orphaned, unknown
  std::string reason;  // docs/reasons.md
  std::string hint;    // what to do; empty when nothing is to be done
  bool operator==(const VersionState&) const = default;
};

// `report`: nullptr when the node has not reported on this role. `counts`: the role is effective on
// the node. `has_files`: the role has source paths.
VersionState version_state(bool counts, bool has_files, const RoleReport* report,
                           const std::string& role_revision, const NewestContent& newest);

}  // namespace rolesync::domain
