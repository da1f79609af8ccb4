// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/private_wire.hpp"

#include <fcntl.h>

namespace rolesync::plugin {

PrivateWire take_private_wire() {
  PrivateWire wire{UniqueFd(::fcntl(0, F_DUPFD_CLOEXEC, 10)),
                   UniqueFd(::fcntl(1, F_DUPFD_CLOEXEC, 10))};
  const UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::dup2(nothing.get(), 0);
  if (::dup2(2, 1) < 0) ::dup2(nothing.get(), 1);
  return wire;
}

}  // namespace rolesync::plugin
