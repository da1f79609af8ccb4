// SPDX-License-Identifier: Apache-2.0
// Whatever a plugin says about itself: refused with a reason, or a descriptor that is fit for use.
#include <nlohmann/json.hpp>
#include <set>

#include "host/plugin/descriptor.hpp"
#include "host/plugin/options.hpp"
#include "tests/fuzz/property.hpp"

using namespace rolesync;
using namespace rolesync::plugin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto descriptor = parse_descriptor({reinterpret_cast<const char*>(data), size});
  if (!descriptor) {
    holds(!descriptor.error().reason.empty() && !descriptor.error().message.empty());
    return 0;
  }
  holds(!descriptor->name.empty() && !descriptor->provides.empty());
  std::set<std::pair<std::string, std::string>> ids;
  for (const Provided& provided : descriptor->provides) {
    holds(ids.emplace(provided.kind, provided.id).second);
    const auto schema = parse_json(provided.options_schema);
    holds(schema.ok() && check_options_schema(*schema).ok());
    for (const std::string& need : provided.needs) holds(is_known_service(need));
  }
  return 0;
}
