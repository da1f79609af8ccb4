// SPDX-License-Identifier: Apache-2.0
// The Stream over a Channel, made by the HTTP client and by the server's front after an upgrade.
#pragma once
#include <memory>
#include <string>

#include "host/stream/channel.hpp"
#include "host/stream/stream.hpp"

namespace rolesync {

// `already_read` are bytes of the stream that came along with the HTTP head. The caller may keep
// the channel too, to shut it down from another thread.
std::unique_ptr<Stream> make_stream(std::shared_ptr<Channel> channel, std::string already_read);

}  // namespace rolesync
