// SPDX-License-Identifier: Apache-2.0
// The typed calls of PluginInstance: the JSON that a host sends, and what it reads in the answers.
#include <rolesync/testing/plugin.hpp>

#include "fields.hpp"

namespace rolesync::testing {
namespace {

Json to_json(const RoleData& role) {
  Json object = {{"role_name", role.name},
                 {"source_paths", role.source_paths},
                 {"target_path", role.target_path},
                 {"systemd_service", role.service},
                 {"health_check_path", role.health_path},
                 {"restart_options", role.restart_options}};
  object["health_check_port"] = role.port ? Json(*role.port) : Json();
  return object;
}

Json to_json(const PortFacts& port) {
  constexpr const char* owners[] = {"service", "other", "unknown"};
  return {{"owner", owners[static_cast<int>(port.owner)]},
          {"process", port.process},
          {"addresses", port.addresses},
          {"answers", port.answers}};
}

Json to_json(const Facts& facts) {
  Json object = {{"path_exists", facts.path_exists},
                 {"path_error", facts.path_error},
                 {"service", facts.service ? fields::to_json(*facts.service) : Json()},
                 {"listening_ports", facts.listening_ports},
                 {"ports_error", facts.ports_error}};
  if (facts.port) object["port"] = to_json(*facts.port);
  return object;
}

template <class Enum, std::size_t count>
Enum from_word(const Json& object, const char* field, const char* const (&words)[count]) {
  const std::string word = fields::text(object, field);
  for (std::size_t i = 0; i < count; ++i) {
    if (word == words[i]) return static_cast<Enum>(i);
  }
  throw Error(Code::failed, "invalid_answer", std::string(field) + " is \"" + word + "\"");
}

}  // namespace

RoleData PluginInstance::spec() const {
  return fields::role_data(call("spec"));
}

Detection PluginInstance::detect(const RoleData& role, const Facts& facts) const {
  const Json answer = call("detect", {{"role", to_json(role)}, {"facts", to_json(facts)}});
  Detection found;
  found.state =
      from_word<State>(answer, "state", {"active", "inactive", "not_installed", "unknown"});
  found.health = from_word<Health>(answer, "health", {"healthy", "failing", "unknown"});
  found.reason = fields::text(answer, "reason");
  found.evidence = fields::values(fields::get<Json>(answer, "evidence", "an object"));
  return found;
}

ServiceStatus PluginInstance::service_call(const char* method, const RoleData& role,
                                           const Options& options) const {
  return fields::service_status(call(method, {{"role", to_json(role)}, {"options", options}}));
}

ServiceStatus PluginInstance::status(const RoleData& role, const Options& options) const {
  return service_call("status", role, options);
}
ServiceStatus PluginInstance::start(const RoleData& role, const Options& options) const {
  return service_call("start", role, options);
}
ServiceStatus PluginInstance::stop(const RoleData& role, const Options& options) const {
  return service_call("stop", role, options);
}
ServiceStatus PluginInstance::restart(const RoleData& role, const Options& options) const {
  return service_call("restart", role, options);
}

Values PluginInstance::offer(const OfferRequest& request) const {
  return fields::values(call(
      "offer",
      {{"content_id", request.content_id}, {"files", request.files}, {"bytes", request.bytes}}));
}

void PluginInstance::serve(const ServeRequest& request) const {
  call("serve", {{"offer_id", request.offer_id},
                 {"directory", request.directory},
                 {"stream", request.stream}});
}

std::uint64_t PluginInstance::fetch(const FetchRequest& request) const {
  return fields::count(call("fetch", {{"offer", fields::to_json(request.offer)},
                                      {"offer_id", request.offer_id},
                                      {"staging", request.staging},
                                      {"basis", request.basis},
                                      {"list_file", request.list_file},
                                      {"files", request.files},
                                      {"bytes", request.bytes}}),
                       "files");
}

}  // namespace rolesync::testing
