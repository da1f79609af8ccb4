// SPDX-License-Identifier: Apache-2.0
#include <rolesync/detector.hpp>

#include <algorithm>

#include "fields.hpp"

namespace rolesync {
inline namespace sdk1 {
namespace {

constexpr const char* state_words[] = {"active", "inactive", "not_installed", "unknown"};
constexpr const char* health_words[] = {"healthy", "failing", "unknown"};

PortFacts port_from(const Json& object) {
  PortFacts port;
  const std::string owner = fields::optional_text(object, "owner");
  port.owner = owner == "service" ? PortFacts::Owner::service
               : owner == "other" ? PortFacts::Owner::other
                                  : PortFacts::Owner::unknown;
  port.process = fields::optional_text(object, "process");
  if (object.contains("addresses")) {
    port.addresses =
        fields::get<std::vector<std::string>>(object, "addresses", "an array of texts");
  }
  if (object.contains("answers")) port.answers = fields::flag(object, "answers");
  return port;
}

Facts facts_from(const Json& object) {
  Facts facts;
  facts.path_exists = fields::flag(object, "path_exists");
  facts.path_error = fields::optional_text(object, "path_error");
  facts.ports_error = fields::optional_text(object, "ports_error");
  const auto port = object.find("port");
  if (port != object.end() && port->is_object()) facts.port = port_from(*port);
  const auto service = object.find("service");
  if (service != object.end() && !service->is_null()) {
    facts.service = fields::service_status(*service);
  }
  if (object.contains("listening_ports")) {
    facts.listening_ports =
        fields::get<std::vector<int>>(object, "listening_ports", "an array of numbers");
  }
  return facts;
}

}  // namespace

bool Facts::listening(int port) const {
  return std::find(listening_ports.begin(), listening_ports.end(), port) != listening_ports.end();
}

Json Detector::call(std::string_view method, const Json& request) {
  if (method != "detect") {
    throw Error(Code::unsupported, "method_unknown",
                "a detector has no method " + std::string(method));
  }
  const Detection found = detect(fields::role_data(fields::get<Json>(request, "role", "an object")),
                                 facts_from(fields::get<Json>(request, "facts", "an object")));
  return {{"state", state_words[static_cast<int>(found.state)]},
          {"health", health_words[static_cast<int>(found.health)]},
          {"reason", found.reason},
          {"evidence", fields::to_json(found.evidence)}};
}

}  // namespace sdk1
}  // namespace rolesync
