// SPDX-License-Identifier: Apache-2.0
// A detector for the drop-in story; says which version has looked.
#include <rolesync/detector.hpp>

namespace {

class Marker : public rolesync::Detector {
  rolesync::Detection detect(const rolesync::RoleData&, const rolesync::Facts& facts) override {
    rolesync::Detection found;
    found.state = facts.path_exists ? rolesync::State::active : rolesync::State::not_installed;
    found.health = rolesync::Health::healthy;
    found.reason = "seen_by_" + std::to_string(STORY_NUMBER);
    return found;
  }
};

}  // namespace

ROLESYNC_PLUGIN("marker", STORY_VERSION,
                rolesync::detector<Marker>("marker").summary("for the drop-in story"));
