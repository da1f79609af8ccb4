// SPDX-License-Identifier: Apache-2.0
#include <rolesync/host.hpp>

#include "fields.hpp"

namespace rolesync {
inline namespace sdk1 {
namespace {

[[noreturn]] void throw_error(std::int32_t status, const std::string& text, const char* service) {
  const Json error = Json::parse(text, nullptr, false);
  const bool known = status >= RS_INVALID && status <= RS_FAILED;
  const Code code = known ? static_cast<Code>(status) : Code::failed;
  if (!error.is_object()) {
    throw Error(code, "service_failed", std::string("service ") + service + " failed");
  }
  throw Error(code, fields::optional_text(error, "reason"), fields::optional_text(error, "message"),
              fields::optional_text(error, "hint"));
}

UnitStatus unit_from(const Json& reply) {
  const auto restarts = reply.find("restarts");
  const bool counted = restarts != reply.end() && restarts->is_number_unsigned();
  return {fields::text(reply, "load_state"),
          fields::text(reply, "active_state"),
          fields::text(reply, "sub_state"),
          fields::optional_text(reply, "result"),
          fields::nullable_text(reply, "started_at"),
          counted ? restarts->get<int>() : 0,
          fields::optional_text(reply, "triggered_by"),
          fields::optional_text(reply, "reason"),
          fields::optional_text(reply, "type"),
          fields::optional_text(reply, "ended"),
          fields::optional_text(reply, "condition")};
}

Json to_json(const ProcessId& process) {
  Json request = {
      {"pid", process.pid}, {"start_time", process.start_time}, {"boot_id", process.boot_id}};
  if (!process.mark.empty()) request["mark"] = process.mark;
  if (!process.log.empty()) request["log"] = process.log;
  return request;
}

Json unit_job(const std::string& unit, int timeout_seconds) {
  return {{"unit", unit}, {"timeout_seconds", timeout_seconds}};
}

std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of(" \n\r\t");
  if (end == std::string::npos) return "";
  const auto start = text.find_last_of('\n', end);
  return text.substr(start == std::string::npos ? 0 : start + 1,
                     end - (start == std::string::npos ? -1 : start));
}

}  // namespace

std::string ProgramResult::explain() const {
  std::string what = timed_out        ? "timed out"
                     : exit_code >= 0 ? "exit " + std::to_string(exit_code)
                                      : "killed by signal " + std::to_string(signal);
  const std::string line = last_line(errors);
  return line.empty() ? what : what + ": " + line;
}

Json Host::call(const char* service, const Json& request) const {
  if (!raw_) throw Error(Code::failed, "no_host", "the plugin has no host");
  const std::string text = request.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string reply;
  const rs_sink sink{&reply, [](void* context, const char* data, std::size_t size) {
                       static_cast<std::string*>(context)->append(data, size);
                     }};
  const std::int32_t status = raw_->call(raw_->ctx, service, text.data(), text.size(), &sink);
  if (status != RS_OK) throw_error(status, reply, service);
  return Json::parse(reply);
}

void Host::log(int level, std::string_view text) const {
  if (raw_) raw_->log(raw_->ctx, level, text.data(), text.size());
}

bool Host::path_exists(const std::string& path) const {
  return call("fs.exists", {{"path", path}}).get<bool>();
}

std::string Host::write_private(const std::string& name, const std::string& text) const {
  return fields::text(call("fs.write_private", {{"name", name}, {"text", text}}), "path");
}

bool Host::port_listening(int port) const {
  return call("port.listening", {{"port", port}}).get<bool>();
}

UnitStatus Host::unit_status(const std::string& unit) const {
  return unit_from(call("service.status", {{"unit", unit}}));
}

UnitStatus Host::unit_start(const std::string& unit, int timeout_seconds) const {
  return unit_from(call("service.start", unit_job(unit, timeout_seconds)));
}

UnitStatus Host::unit_stop(const std::string& unit, int timeout_seconds) const {
  return unit_from(call("service.stop", unit_job(unit, timeout_seconds)));
}

UnitStatus Host::unit_restart(const std::string& unit, int timeout_seconds) const {
  return unit_from(call("service.restart", unit_job(unit, timeout_seconds)));
}

UnitStatus Host::unit_reload(const std::string& unit, int timeout_seconds) const {
  return unit_from(call("service.reload", unit_job(unit, timeout_seconds)));
}

UnitStatus Host::unit_try_restart(const std::string& unit, int timeout_seconds) const {
  return unit_from(call("service.try_restart", unit_job(unit, timeout_seconds)));
}

UnitStatus Host::unit_reload_or_restart(const std::string& unit, int timeout_seconds) const {
  return unit_from(call("service.reload_or_restart", unit_job(unit, timeout_seconds)));
}

ProgramResult Host::run(const Program& program) const {
  Json request = {{"argv", program.argv},
                  {"environment", program.environment},
                  {"timeout_seconds", program.timeout_seconds}};
  if (!program.directory.empty()) request["directory"] = program.directory;
  if (!program.input.empty()) request["input"] = program.input;
  if (!program.attach.empty()) request["attach"] = program.attach;
  if (!program.connect.empty()) request["connect"] = program.connect;
  const Json reply = call("process.run", request);
  ProgramResult result;
  result.exit_code = fields::get<int>(reply, "exit_code", "a number");
  result.signal = fields::get<int>(reply, "signal", "a number");
  result.timed_out = fields::flag(reply, "timed_out");
  result.output = fields::text(reply, "output");
  result.errors = fields::text(reply, "errors");
  return result;
}

ProcessId Host::start(const Program& program, const std::string& log) const {
  const Json reply = call("process.start", {{"argv", program.argv},
                                            {"directory", program.directory},
                                            {"environment", program.environment},
                                            {"log", log}});
  return {fields::get<std::int64_t>(reply, "pid", "a number"),
          fields::get<std::int64_t>(reply, "start_time", "a number"),
          fields::text(reply, "boot_id"), fields::optional_text(reply, "mark"),
          log.find('/') == std::string::npos ? log : ""};
}

ProcessStatus Host::process_status(const ProcessId& process) const {
  const Json reply = call("process.status", to_json(process));
  const auto others = reply.find("others");
  const bool counted = others != reply.end() && others->is_number_integer();
  return {fields::flag(reply, "alive"), fields::nullable_text(reply, "started_at"),
          counted ? others->get<int>() : 0, fields::optional_text(reply, "reason")};
}

void Host::process_signal(const ProcessId& process, int signal) const {
  Json request = to_json(process);
  request["signal"] = signal;
  call("process.signal", request);
}

std::optional<Values> Host::recall(const std::string& key) const {
  const Json value = call("state.get", {{"key", key}});
  if (value.is_null()) return std::nullopt;
  return fields::values(value);
}

void Host::remember(const std::string& key, const Values& values) const {
  call("state.put", {{"key", key}, {"value", fields::to_json(values)}});
}

void Host::forget(const std::string& key) const {
  call("state.put", {{"key", key}, {"value", nullptr}});
}

std::string Host::open_stream(const std::string& offer_id) const {
  return fields::text(call("stream.open", {{"offer_id", offer_id}}), "stream");
}

std::uint64_t Host::stream_to_file(const std::string& stream, const std::string& path) const {
  return fields::count(call("stream.to_file", {{"stream", stream}, {"path", path}}), "bytes");
}

void Host::progress(std::uint64_t done, std::uint64_t total, const std::string& unit) const {
  call("job.progress", {{"done", done}, {"total", total}, {"unit", unit}});
}

bool Host::cancelled() const {
  return call("job.cancelled", Json::object()).get<bool>();
}

}  // namespace sdk1
}  // namespace rolesync
