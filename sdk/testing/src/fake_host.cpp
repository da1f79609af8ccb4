// SPDX-License-Identifier: Apache-2.0
#include <rolesync/testing/fake_host.hpp>

#include "fields.hpp"

namespace rolesync::testing {
namespace {

[[noreturn]] void refuse(Code code, const char* reason, const std::string& message) {
  throw Error(code, reason, message);
}

Json to_json(const UnitStatus& unit) {
  return {{"load_state", unit.load_state},
          {"active_state", unit.active_state},
          {"sub_state", unit.sub_state},
          {"result", unit.result},
          {"started_at", unit.started_at ? Json(*unit.started_at) : Json()},
          {"restarts", unit.restarts},
          {"triggered_by", unit.triggered_by},
          {"reason", unit.reason},
          {"type", unit.type},
          {"ended", unit.ended},
          {"condition", unit.condition}};
}

void write(const rs_sink* out, const Json& value) {
  const std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  out->write(out->ctx, text.data(), text.size());
}

int32_t report(const rs_sink* out, Code code, const std::string& reason, const std::string& message,
               const std::string& hint) {
  write(out, {{"reason", reason}, {"message", message}, {"hint", hint}});
  return static_cast<int32_t>(code);
}

}  // namespace

FakeHost::FakeHost()
    : host_{sizeof(rs_host), RS_ABI_MAJOR, RS_ABI_MINOR, this, &write_log, &call} {}

void FakeHost::add_unit(const std::string& name, const std::string& active_state) {
  UnitStatus unit;
  unit.load_state = "loaded";
  unit.active_state = active_state;
  unit.sub_state = active_state == "active" ? "running" : "dead";
  unit.result = "success";
  if (active_state == "active") unit.started_at = "2026-01-01T00:00:00.000Z";
  units[name] = std::move(unit);
}

void FakeHost::on(const std::string& service, Handler handler) {
  handlers_[service] = std::move(handler);
}

void FakeHost::programs_answer(ProgramResult result) {
  on("process.run", [result = std::move(result)](const Json&) -> Json {
    return {{"exit_code", result.exit_code},
            {"signal", result.signal},
            {"timed_out", result.timed_out},
            {"output", result.output},
            {"errors", result.errors}};
  });
}

std::vector<Json> FakeHost::asked(const std::string& service) const {
  std::vector<Json> requests;
  for (const Asked& asked : asked_) {
    if (asked.service == service) requests.push_back(Json::parse(asked.request));
  }
  return requests;
}

void FakeHost::allow_only(std::vector<std::string> services) {
  allowed_ = {services.begin(), services.end()};
  restricted_ = true;
}

Json FakeHost::unit(const std::string& name, const char* active_state) {
  const auto found = units.find(name);
  if (active_state == nullptr) {
    if (found != units.end()) return to_json(found->second);
    UnitStatus missing;
    missing.load_state = "not-found";
    missing.active_state = "inactive";
    missing.sub_state = "dead";
    return to_json(missing);
  }
  if (found == units.end()) refuse(Code::not_found, "unit_missing", "there is no unit " + name);
  const std::string trigger = found->second.triggered_by;
  add_unit(name, active_state);
  units[name].triggered_by = trigger;
  return to_json(units[name]);
}

Json FakeHost::serve(const std::string& service, const Json& request) {
  const auto handler = handlers_.find(service);
  if (handler != handlers_.end()) return handler->second(request);
  if (service == "fs.exists") return paths.count(request.at("path")) != 0;
  if (service == "fs.write_private") {
    const std::string path = "/fake/private/" + request.at("name").get<std::string>();
    private_files[path] = request.at("text");
    return {{"path", path}};
  }
  if (service == "service.status") return unit(request.at("unit"), nullptr);
  if (service == "service.start") return unit(request.at("unit"), "active");
  if (service == "service.restart") return unit(request.at("unit"), "active");
  if (service == "service.reload") return unit(request.at("unit"), nullptr);
  if (service == "service.try_restart") return unit(request.at("unit"), nullptr);
  if (service == "service.reload_or_restart") return unit(request.at("unit"), "active");
  if (service == "service.stop") return unit(request.at("unit"), "inactive");
  if (service == "port.listening") return ports.count(request.at("port")) != 0;
  if (service == "state.get") {
    const auto value = state.find(request.at("key"));
    return value == state.end() ? Json() : fields::to_json(value->second);
  }
  if (service == "state.put") {
    const std::string key = request.at("key");
    if (request.at("value").is_null()) {
      state.erase(key);
    } else {
      state[key] = fields::values(request.at("value"));
    }
    return Json::object();
  }
  if (service == "job.progress") return Json::object();
  if (service == "job.cancelled") return cancelled;
  refuse(Code::unsupported, "service_unknown",
         "FakeHost has no " + service + " of its own; give it one with on()");
}

void FakeHost::write_log(void* self, int32_t, const char* text, size_t size) {
  auto* host = static_cast<FakeHost*>(self);
  const std::lock_guard<std::mutex> lock(host->mutex_);
  host->log_.emplace_back(text, size);
}

int32_t FakeHost::call(void* self, const char* service, const char* json, size_t size,
                       const rs_sink* out) {
  auto* host = static_cast<FakeHost*>(self);
  try {
    const Json request = Json::parse(json, json + size);
    {
      const std::lock_guard<std::mutex> lock(host->mutex_);
      host->asked_.push_back({service, request.dump()});
      if (host->restricted_ && !host->allowed_.count(service)) {
        refuse(Code::invalid, "service_not_declared",
               std::string(service) + " is not in the needs of the descriptor");
      }
    }
    write(out, host->serve(service, request));
    return RS_OK;
  } catch (const Error& error) {
    return report(out, error.code(), error.reason(), error.what(), error.hint());
  } catch (const std::exception& error) {
    return report(out, Code::invalid, "invalid_request", error.what(), "");
  }
}

}  // namespace rolesync::testing
