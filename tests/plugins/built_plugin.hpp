// SPDX-License-Identifier: Apache-2.0
// Where the build puts the plugins that the tests load.
#pragma once
#include <nlohmann/json.hpp>
#include <rolesync/testing/plugin.hpp>
#include <string>

#include "tests/place.hpp"

namespace rolesync::testing {

inline Plugin built_plugin(const std::string& kind, const std::string& id) {
  return Plugin(build_directory() + "/plugins/" + kind + "/" + id + ".so");
}

}  // namespace rolesync::testing
