// SPDX-License-Identifier: Apache-2.0
// For the child: the host's pipe on descriptors of our own, out of the way of everything that a
// plugin may read from stdin or print to stdout. Called once, before a library is loaded.
#pragma once
#include "host/process/unique_fd.hpp"

namespace rolesync::plugin {

struct PrivateWire {
  UniqueFd in, out;  // close-on-exec
};

// Afterwards fd 0 is /dev/null and fd 1 is what fd 2 is.
PrivateWire take_private_wire();

}  // namespace rolesync::plugin
