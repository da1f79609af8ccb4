// SPDX-License-Identifier: Apache-2.0
#include "counts.hpp"

#include <nlohmann/json.hpp>

namespace rolesync::simulated {

Json Counts::json() const {
  return {{"joined", joined},
          {"settled", settled},
          {"gone", gone},
          {"heartbeats", heartbeats},
          {"answered", answered},
          {"quiet", quiet},
          {"heartbeat_bytes", heartbeat_bytes},
          {"commands", commands},
          {"succeeded", succeeded},
          {"failed", failed},
          {"rolled_back", rolled_back},
          {"cancelled", cancelled},
          {"connections", connections},
          {"lost", lost},
          {"timeouts", timeouts},
          {"refused", refused},
          {"overloaded", overloaded}};
}

}  // namespace rolesync::simulated
