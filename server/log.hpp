// SPDX-License-Identifier: Apache-2.0
// Where log lines go and how they look: key=value for people, one JSON object per line for
// machines. Call sites write key=value; the JSON form takes the pairs apart again. Called once, by
// main.
#pragma once
#include <string>

namespace rolesync {

void start_logging(const std::string& format, const std::string& level);

// {"time", "level", the pairs, "message": what is not a pair}
std::string json_log_line(const std::string& time, const std::string& level,
                          const std::string& text);

}  // namespace rolesync
