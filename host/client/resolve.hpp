// SPDX-License-Identifier: Apache-2.0
// Names to addresses, without trusting the resolver to come back in time. Internal to host/client.
#pragma once
#include <Poco/Net/SocketAddress.h>

#include <string>
#include <vector>

#include "host/client/wire.hpp"

namespace rolesync {

// IP addresses and localhost are answered at once. Reasons: server_unreachable, server_silent,
// interrupted.
Result<std::vector<Poco::Net::SocketAddress>> resolve(const std::string& host, std::uint16_t port,
                                                      Interrupter& interrupter, Deadline deadline);

}  // namespace rolesync
