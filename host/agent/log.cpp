// SPDX-License-Identifier: Apache-2.0
#include "host/agent/log.hpp"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>

#include "host/services/clock.hpp"
#include "host/values/json.hpp"

namespace rolesync::agent {
namespace {

std::atomic<bool> json_format{false};

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("agent",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

const char* name(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "info";
}

// A value with blanks, quotes or line ends is written as a JSON string: one line stays one line.
std::string quoted(const std::string& value) {
  if (!value.empty() && value.find_first_of(" \"=\n\r\t\\") == std::string::npos) return value;
  return to_text(Json(value));
}

// Lines of "words key=value ... message="...""; the words are the event.
class SharedLines : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& line) override;
  void flush_() override {}
};

}  // namespace

void configure_log(const std::string& format, const std::string& level) {
  json_format = format == "json";
  logger().set_level(spdlog::level::from_str(level));
  // What the rooms that we share with the server write goes the same way.
  auto shared = std::make_shared<spdlog::logger>("shared", std::make_shared<SharedLines>());
  shared->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(std::move(shared));
}

void log_event(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!logger().should_log(to_spdlog(level))) return;
  const std::string at = to_rfc3339(real_clock().now());
  std::string line;
  if (json_format) {
    Json object{{"at", at}, {"level", name(level)}, {"event", std::string(event)}};
    for (const auto& [key, value] : fields) object[std::string(key)] = value;
    line = to_text(object);
  } else {
    line = at + " " + name(level) + " " + std::string(event);
    for (const auto& [key, value] : fields) {
      line += " " + std::string(key) + "=" + quoted(value);
    }
  }
  logger().log(to_spdlog(level), "{}", line);
}

void SharedLines::sink_it_(const spdlog::details::log_msg& line) {
  const std::string_view text(line.payload.data(), line.payload.size());
  const LogLevel level = line.level >= spdlog::level::err    ? LogLevel::error
                         : line.level == spdlog::level::warn ? LogLevel::warning
                         : line.level == spdlog::level::info ? LogLevel::info
                                                             : LogLevel::debug;
  const auto said = text.find(" message=\"");
  if (text.starts_with("plugin=") && said != std::string_view::npos && text.ends_with('"')) {
    log_event(level, "plugin.said",
              {{"plugin", std::string(text.substr(7, said - 7))},
               {"message", std::string(text.substr(said + 10, text.size() - said - 11))}});
  } else {
    log_event(level, "host.said", {{"message", std::string(text)}});
  }
}

}  // namespace rolesync::agent
