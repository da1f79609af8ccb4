// SPDX-License-Identifier: Apache-2.0
// What a plugin says for the log: one line, tagged with the plugin. Any thread.
#pragma once
#include <cstdint>
#include <string_view>

#include "host/plugin/registry.hpp"

namespace rolesync::plugin {

// `level`: an rs_log_level.
void log_for(const Provided& provided, std::int64_t level, std::string_view text);

}  // namespace rolesync::plugin
