// SPDX-License-Identifier: Apache-2.0
#include "host/services/node_services.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "host/process/unique_fd.hpp"
#include "host/services/durable_file.hpp"
#include "host/services/request_fields.hpp"
#include "host/values/secret.hpp"

namespace rolesync {
namespace {

Error unsupported(const char* what) {
  return {ErrorKind::failed, "unsupported", std::string(what) + " is not available here"};
}

Error cancelled_error() {
  return {ErrorKind::conflict, "cancelled", "the call was cancelled"};
}

bool is_private_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && name[0] != '.' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string::npos;
}

std::chrono::milliseconds seconds_or(std::optional<double> seconds,
                                     std::chrono::milliseconds otherwise) {
  if (!seconds || *seconds <= 0) return otherwise;
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(*seconds, 86'400.0) * 1000));
}

// Of the template "name@", as names that the other services take.
Result<Json> instances(Units* units, const Json& request) {
  RequestFields fields(request, {"unit"});
  const std::string unit = fields.text("unit");
  if (Status status = fields.status(); !status) return status.error();
  if (!units) return unsupported("service.instances");
  if (!unit.ends_with('@')) {
    return Error{ErrorKind::invalid, "invalid_request", "'" + unit + "' is no template",
                 "the name of a template ends with @"};
  }
  const std::map<std::string, UnitStatus> found = units->status({unit + "*"});
  Json names = Json::array();
  for (const auto& [name, status] : found) {
    if (name != unit + "*") {
      names.push_back(name);
    } else if (!status.reason.empty()) {
      return Error{ErrorKind::unavailable, status.reason, "systemd does not answer"};
    }
  }
  return names;
}

}  // namespace

NodeServices::NodeServices(NodeServicesOptions options) : options_(std::move(options)) {}

NodeServices::~NodeServices() {
  std::error_code ignored;
  if (!private_directory_.empty()) std::filesystem::remove_all(private_directory_, ignored);
}

Result<Json> NodeServices::call(std::string_view service, const Json& request) {
  using Method = Result<Json> (NodeServices::*)(const Json&);
  static const std::map<std::string_view, Method> methods = {
      {"fs.exists", &NodeServices::exists},
      {"fs.write_private", &NodeServices::write_private},
      {"service.status", &NodeServices::unit_status},
      {"port.listening", &NodeServices::port_listening},
      {"process.run", &NodeServices::run_program},
      {"process.start", &NodeServices::start_program},
      {"process.status", &NodeServices::program_status},
      {"process.signal", &NodeServices::signal_program},
      {"state.get", &NodeServices::get_state},
      {"state.put", &NodeServices::put_state},
      {"stream.open", &NodeServices::open_stream},
      {"stream.to_file", &NodeServices::stream_to_file},
      {"job.progress", &NodeServices::report_progress},
      {"job.cancelled", &NodeServices::is_cancelled},
  };
  if (service == "service.instances") return instances(options_.units, request);
  if (service == "service.start") return unit_action(UnitAction::start, request);
  if (service == "service.stop") return unit_action(UnitAction::stop, request);
  if (service == "service.restart") return unit_action(UnitAction::restart, request);
  if (service == "service.reload") return unit_action(UnitAction::reload, request);
  if (service == "service.try_restart") return unit_action(UnitAction::try_restart, request);
  if (service == "service.reload_or_restart") {
    return unit_action(UnitAction::reload_or_restart, request);
  }
  auto it = methods.find(service);
  if (it != methods.end()) return (this->*it->second)(request);
  return Error{ErrorKind::failed, "service_unknown",
               "this host has no service '" + std::string(service) + "'",
               "see docs/plugin-services.md"};
}

Result<Json> NodeServices::exists(const Json& request) {
  RequestFields fields(request, {"path"});
  const std::string path = fields.text("path");
  if (Status status = fields.status(); !status) return status.error();
  if (Result<std::string> root = allowed_root_of(options_.limits, path); !root) {
    return root.error();
  }
  return Json(::access(path.c_str(), F_OK) == 0);
}

Result<Json> NodeServices::write_private(const Json& request) {
  RequestFields fields(request, {"name", "text"});
  const std::string name = fields.text("name");
  const std::string text = fields.text("text");
  if (Status status = fields.status(); !status) return status.error();
  if (options_.private_root.empty()) return unsupported("fs.write_private");
  if (!is_private_name(name) || text.size() > (64 << 10)) {
    return Error{ErrorKind::invalid, "invalid_request",
                 "'" + name + "' is not a name for a private file, or its text is over 64 KiB",
                 "names hold a-z 0-9 . _ -"};
  }
  std::lock_guard lock(private_mutex_);
  if (private_directory_.empty()) {
    const std::string directory = options_.private_root + "/call-" + random_hex(8);
    if (Status made = make_directories(directory); !made) return made.error();
    private_directory_ = directory;
  }
  const std::string path = private_directory_ + "/" + name;
  if (Status written = write_durably(path, text); !written) return written.error();
  return Json{{"path", path}};
}

Result<Json> NodeServices::unit_status(const Json& request) {
  RequestFields fields(request, {"unit"});
  const std::string unit = fields.text("unit");
  if (Status status = fields.status(); !status) return status.error();
  if (!options_.units) return unsupported("service.status");
  return told(options_.units->status({unit}).at(unit));
}

Result<Json> NodeServices::unit_action(UnitAction action, const Json& request) {
  RequestFields fields(request, {"unit", "timeout_seconds"});
  const std::string unit = fields.text("unit");
  const auto limit =
      seconds_or(fields.optional_number("timeout_seconds"), std::chrono::seconds(90));
  if (Status status = fields.status(); !status) return status.error();
  if (!options_.units) return unsupported("service control");
  if (Status allowed = check_unit(options_.limits, unit); !allowed) return allowed.error();
  Result<UnitStatus> status = options_.units->run(action, unit, limit, options_.cancelled);
  if (!status) return status.error();
  return told(*status);
}

Json NodeServices::told(const UnitStatus& status) {
  note_start(status.started_at, status.started_since_boot);
  return to_json(status);
}

void NodeServices::note_start(std::optional<Millis> at, std::optional<Millis> since_boot) {
  if (!at || !since_boot) return;
  const std::lock_guard lock(starts_mutex_);
  const auto [known, fresh] = starts_.emplace(*at, *since_boot);
  if (!fresh) known->second = std::min(known->second, *since_boot);
}

std::optional<Millis> NodeServices::since_boot(Millis started_at) {
  const std::lock_guard lock(starts_mutex_);
  const auto known = starts_.find(started_at);
  return known == starts_.end() ? std::nullopt : std::optional<Millis>(known->second);
}

Result<Json> NodeServices::port_listening(const Json& request) {
  RequestFields fields(request, {"port"});
  const std::int64_t port = fields.number("port");
  if (Status status = fields.status(); !status) return status.error();
  if (!options_.ports) return unsupported("port.listening");
  Result<std::vector<ListeningPort>> ports = options_.ports->scan();
  if (!ports) return ports.error();
  return Json(std::any_of(ports->begin(), ports->end(),
                          [&](const ListeningPort& each) { return each.port == port; }));
}

Result<Json> NodeServices::get_state(const Json& request) {
  RequestFields fields(request, {"key"});
  const std::string key = fields.text("key");
  if (Status status = fields.status(); !status) return status.error();
  if (!options_.state) return unsupported("state.get");
  return options_.state->get(options_.plugin, key);
}

Result<Json> NodeServices::put_state(const Json& request) {
  RequestFields fields(request, {"key", "value"});
  const std::string key = fields.text("key");
  const Json* value = fields.any("value");
  if (Status status = fields.status(); !status) return status.error();
  if (!options_.state) return unsupported("state.put");
  if (Status put = options_.state->put(options_.plugin, key, *value); !put) return put.error();
  return Json::object();
}

Result<Json> NodeServices::open_stream(const Json& request) {
  RequestFields fields(request, {"offer_id"});
  const std::string offer = fields.text("offer_id");
  if (Status status = fields.status(); !status) return status.error();
  if (!options_.open_stream || !options_.streams) return unsupported("stream.open");
  if (cancelled()) return cancelled_error();
  Result<std::unique_ptr<Stream>> stream = options_.open_stream(offer);
  if (!stream) return stream.error();
  return Json{{"stream", options_.streams->add(std::move(*stream))}};
}

Result<Json> NodeServices::stream_to_file(const Json& request) {
  RequestFields fields(request, {"stream", "path"});
  const std::string id = fields.text("stream");
  const std::string path = fields.text("path");
  if (Status status = fields.status(); !status) return status.error();
  if (!options_.streams) return unsupported("stream.to_file");
  if (Result<std::string> root = allowed_root_of(options_.limits, path); !root) {
    return root.error();
  }
  Result<std::unique_ptr<Stream>> stream = options_.streams->take(id);
  if (!stream) return stream.error();
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    return Error{ErrorKind::failed, "file_unwritable",
                 "cannot create " + path + ": " + std::strerror(errno)};
  }
  std::uint64_t bytes = 0;
  std::array<char, 65536> buffer;
  for (;;) {
    if (cancelled()) return cancelled_error();
    Result<std::size_t> size = (*stream)->read(buffer.data(), buffer.size());
    if (!size) return size.error();
    if (*size == 0) return Json{{"bytes", bytes}};
    for (std::size_t done = 0; done < *size;) {
      const ssize_t written = ::write(file.get(), buffer.data() + done, *size - done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        return Error{errno == ENOSPC ? ErrorKind::unavailable : ErrorKind::failed,
                     errno == ENOSPC ? "disk_full" : "file_unwritable",
                     "cannot write " + path + ": " + std::strerror(errno)};
      }
      done += static_cast<std::size_t>(written);
    }
    bytes += *size;
  }
}

Result<Json> NodeServices::report_progress(const Json& request) {
  RequestFields fields(request, {"done", "total", "unit"});
  const std::int64_t done = fields.number("done");
  const std::int64_t total = fields.number("total");
  const std::string unit = fields.optional_text("unit").value_or("");
  if (Status status = fields.status(); !status) return status.error();
  if (options_.progress && done >= 0 && total >= 0) {
    options_.progress(static_cast<std::uint64_t>(done), static_cast<std::uint64_t>(total), unit);
  }
  return Json::object();
}

Result<Json> NodeServices::is_cancelled(const Json& request) {
  RequestFields fields(request, {});
  if (Status status = fields.status(); !status) return status.error();
  return Json(cancelled());
}

Json to_json(const UnitStatus& status) {
  Json object{{"load_state", status.load_state},
              {"active_state", status.active_state},
              {"sub_state", status.sub_state},
              {"result", status.result},
              {"started_at", nullptr},
              {"restarts", status.restarts},
              {"triggered_by", status.triggered_by},
              {"type", status.type},
              {"ended", status.ended},
              {"condition", status.condition}};
  if (status.started_at) object["started_at"] = to_rfc3339(*status.started_at);
  if (!status.reason.empty()) object["reason"] = status.reason;
  return object;
}

}  // namespace rolesync
