// SPDX-License-Identifier: Apache-2.0
#include "host/cli/plugin/request.hpp"

#include <filesystem>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "host/plugin/options.hpp"
#include "host/role/role.hpp"
#include "host/values/file_text.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;

Error in_file(const std::string& path, Error error) {
  error.message = path + ": " + error.message;
  return error;
}

// As an agent sends it: every field, also those the file leaves out.
Result<Json> role_for(const RequestFiles& files) {
  if (files.role.empty()) {
    return role_to_json(
        Role{.name = "sample", .source_paths = {"sample"}, .target_path = "/srv/sample"});
  }
  auto object = read_json_file(files.role);
  if (!object) return object.error();
  auto role = role_from_json(*object);
  if (!role) return in_file(files.role, role.error());
  return role_to_json(*role);
}

Result<Json> measured_facts(const Json& role, Ports& ports) {
  auto scanned = ports.scan();
  if (!scanned) return scanned.error();
  Json listening = Json::array();
  for (const ListeningPort& port : *scanned)
    if (listening.empty() || listening.back() != port.port) listening.push_back(port.port);
  std::error_code error;
  const auto target = role.value("target_path", "");
  return Json{{"path_exists", !target.empty() && fs::exists(target, error)},
              {"service", nullptr},
              {"listening_ports", std::move(listening)}};
}

Error not_facts(const std::string& path, const std::string& what) {
  return {ErrorKind::invalid, "invalid_facts", path + ": " + what,
          "facts look like {\"path_exists\": true, \"service\": null, "
          "\"listening_ports\": [8080]}"};
}

Status check_facts(const std::string& path, const Json& facts) {
  if (!facts.is_object()) return not_facts(path, "the facts must be an object");
  for (const auto& [key, value] : facts.items()) {
    const bool is_text = key == "path_error" || key == "ports_error";
    const bool is_object = key == "service" || key == "port";
    const bool fits = key == "path_exists" ? value.is_boolean()
                      : is_text            ? value.is_string()
                      : is_object          ? value.is_null() || value.is_object()
                                           : value.is_array();
    if (key != "path_exists" && !is_object && !is_text && key != "listening_ports")
      return not_facts(path, "/" + key + " is not a fact");
    if (!fits) return not_facts(path, "/" + key + " is of the wrong type");
  }
  return facts.contains("path_exists") ? Status() : not_facts(path, "/path_exists is missing");
}

Result<Json> detect_request(const RequestFiles& files, Ports& ports) {
  auto role = role_for(files);
  if (!role) return role.error();
  auto facts = files.facts.empty() ? measured_facts(*role, ports) : read_json_file(files.facts);
  if (!facts) return facts.error();
  if (!files.facts.empty())
    if (Status sound = check_facts(files.facts, *facts); !sound) return sound.error();
  return Json{{"role", std::move(*role)}, {"facts", std::move(*facts)}};
}

Result<Json> strategy_request(const plugin::Provided& provided, const RequestFiles& files) {
  auto role = role_for(files);
  if (!role) return role.error();
  Json options = role->value("restart_options", Json::object());
  if (!files.options.empty()) {
    auto given = read_json_file(files.options);
    if (!given) return given.error();
    options = std::move(*given);
  }
  const auto schema = parse_json(provided.options_schema);
  if (!schema) return schema.error();
  if (Status fit = plugin::check_options(*schema, options); !fit) return fit.error();
  options = plugin::with_defaults(*schema, options);
  // Options travel as text, whatever their type.
  for (auto& [name, value] : options.items())
    if (!value.is_string()) value = to_text(value);
  (*role)["restart_options"] = options;
  return Json{{"role", std::move(*role)}, {"options", std::move(options)}};
}

Error unused(const char* flag, const plugin::Provided& provided, const std::string& method) {
  return {ErrorKind::invalid, "option_unused",
          std::string(flag) + " means nothing to " + method + " of a " + provided.kind, ""};
}

}  // namespace

Result<Json> read_json_file(const std::string& path) {
  std::string text;
  if (path == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    auto read = file_text(path);
    if (!read) return Error{ErrorKind::not_found, "file_missing", "there is no file " + path, ""};
    text = std::move(*read);
  }
  auto value = parse_json(text);
  if (!value) return in_file(path, value.error());
  return value;
}

Result<Json> make_request(const plugin::Provided& provided, const std::string& method,
                          const RequestFiles& files, Ports& ports) {
  const bool detects = provided.kind == "detector", restarts = provided.kind == "restart_strategy";
  if (!files.facts.empty() && !detects) return unused("--facts", provided, method);
  if (!files.options.empty() && !restarts) return unused("--options", provided, method);
  if (!files.role.empty() && !detects && !restarts) return unused("--role", provided, method);
  if (!files.input.empty()) {
    if (!files.role.empty() || !files.facts.empty() || !files.options.empty())
      return Error{ErrorKind::invalid, "option_unused",
                   "--input is the whole request; --role, --facts and --options are parts of one",
                   "give either"};
    return read_json_file(files.input);
  }
  if (detects) return detect_request(files, ports);
  if (restarts) return strategy_request(provided, files);
  return Json::object();
}

}  // namespace rolesync::cli
