// SPDX-License-Identifier: Apache-2.0
#include "server/domain/stale.hpp"

namespace rolesync::domain {
namespace {

std::string short_name(const Version& version) {
  if (version.content_id.empty()) return "nothing";
  if (!version.commit.empty()) return version.commit.substr(0, 12);
  return version.content_id.substr(0, 16);
}

}  // namespace

std::optional<std::string> what_changed(const PlanRow& approved, const PlanRow* now) {
  const std::string where = approved.role + " on " + approved.node;
  if (!now) return where + ": the role does not count on the node any more";
  if (now->from.content_id != approved.from.content_id) {
    return where + ": the node now has " + short_name(now->from) + " instead of " +
           short_name(approved.from);
  }
  if (now->from.role_revision != approved.from.role_revision) {
    return where + ": the node was synced with other settings meanwhile";
  }
  if (now->to.role_revision != approved.to.role_revision) {
    return where + ": the definition of the role was changed";
  }
  if (now->to.content_id != approved.to.content_id) {
    return where + ": the role's content at " + short_name(approved.to) + " is another one now";
  }
  if (now->change != approved.change) {
    return where + ": the change would be " + now->change + " instead of " + approved.change;
  }
  if (now->restart != approved.restart) {
    return where + (now->restart ? ": the service would now be restarted"
                                 : ": the service would not be restarted any more");
  }
  const Blocker* stopper = now->stopper();
  if (stopper && !approved.stopper()) return where + ": " + stopper->message;
  return std::nullopt;
}

}  // namespace rolesync::domain
