// SPDX-License-Identifier: Apache-2.0
#include <rolesync/detector.hpp>

#include <algorithm>

#include "fields.hpp"

namespace rolesync {
inline namespace sdk1 {
namespace {

constexpr const char* state_words[] = {"active", "inactive", "not_installed", "unknown"};
constexpr const char* health_words[] = {"healthy", "failing", "unknown"};

Facts facts_from(const Json& object) {
  Facts facts;
  facts.path_exists = fields::flag(object, "path_exists");
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
