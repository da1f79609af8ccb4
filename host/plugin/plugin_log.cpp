// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/plugin_log.hpp"

#include <rolesync/abi.h>
#include <spdlog/spdlog.h>

#include <string>

namespace rolesync::plugin {

void log_for(const Provided& provided, std::int64_t level, std::string_view text) {
  const auto severity = level >= RS_LOG_ERROR     ? spdlog::level::err
                        : level == RS_LOG_WARNING ? spdlog::level::warn
                        : level == RS_LOG_INFO    ? spdlog::level::info
                                                  : spdlog::level::debug;
  if (!spdlog::should_log(severity)) return;
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
    if (c == '"') c = '\'';
  }
  spdlog::log(severity, "plugin={}/{} message=\"{}\"", provided.kind, provided.id, line);
}

}  // namespace rolesync::plugin
