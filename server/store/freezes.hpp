// SPDX-License-Identifier: Apache-2.0
// Freezes: times in which nothing is synced. Called inside Store::write or read.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "host/values/timestamp.hpp"
#include "server/store/page.hpp"

namespace rolesync::store {

struct Freeze {
  std::string id, reason;
  Millis starts_at = 0;
  std::optional<Millis> ends_at;
  std::vector<std::string> roles, nodes;
  std::map<std::string, std::string> labels;
  std::string created_by;
  Millis created_at = 0;
  std::string lifted_by;
  std::optional<Millis> lifted_at;
};

Status add_freeze(Session& session, const Freeze& freeze);
// Sorted by starts_at or created_at.
const ListColumns& freeze_list();
Result<Listed<Freeze>> list_freezes(Session& session, const Page& page);
// Those that cover some time from `now` on.
Result<std::vector<Freeze>> open_freezes(Session& session, Millis now);
// not_found/unknown_freeze; conflict/freeze_over when it was lifted already or has ended.
Status lift_freeze(Session& session, const std::string& id, const std::string& by, Millis now);

}  // namespace rolesync::store
