// SPDX-License-Identifier: Apache-2.0
#include "server/log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "host/values/json.hpp"
#include "host/values/timestamp.hpp"

namespace rolesync {
namespace {

bool is_key(const std::string& word) {
  return !word.empty() &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

class JsonFormatter : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& msg, spdlog::memory_buf_t& out) override {
    using namespace std::chrono;
    const auto at = duration_cast<milliseconds>(msg.time.time_since_epoch()).count();
    const auto level = spdlog::level::to_string_view(msg.level);
    const std::string line = json_log_line(to_rfc3339(at), std::string(level.data(), level.size()),
                                           std::string(msg.payload.data(), msg.payload.size())) +
                             "\n";
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JsonFormatter>();
  }
};

}  // namespace

std::string json_log_line(const std::string& time, const std::string& level,
                          const std::string& text) {
  Json line = {{"time", time}, {"level", level}};
  std::string message;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t space = std::min(text.find(' ', at), text.size());
    const std::size_t equals = text.find('=', at);
    const std::string key = equals < space ? text.substr(at, equals - at) : "";
    if (!is_key(key)) {
      message += (message.empty() ? "" : " ") + text.substr(at, space - at);
      at = space + 1;
      continue;
    }
    if (equals + 1 < text.size() && text[equals + 1] == '"') {
      line[key] = text.substr(equals + 2, text.rfind('"') - equals - 2);  // a quoted value is last
      break;
    }
    if (space > equals + 1) line[key] = text.substr(equals + 1, space - equals - 1);
    at = space + 1;
  }
  if (!message.empty()) line["message"] = message;
  return to_text(line);
}

void start_logging(const std::string& format, const std::string& level) {
  auto logger =
      std::make_shared<spdlog::logger>("server", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  if (format == "json") {
    logger->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
  }
  logger->set_level(spdlog::level::from_str(level));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace rolesync
