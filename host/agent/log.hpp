// SPDX-License-Identifier: Apache-2.0
// One line per event with key=value, or one JSON object. Ids are fields, never buried in words.
// Any thread.
#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace rolesync::agent {

enum class LogLevel { debug, info, warning, error };
using LogField = std::pair<std::string_view, std::string>;

// `format` is "text" or "json"; `level` one of debug, info, warning, error. To stderr.
void configure_log(const std::string& format, const std::string& level);

void log_event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

}  // namespace rolesync::agent
