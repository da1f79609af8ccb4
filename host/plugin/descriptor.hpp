// SPDX-License-Identifier: Apache-2.0
// A plugin's JSON about itself, checked strictly. Pure; any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "host/plugin/registry.hpp"
#include "host/plugin/semver.hpp"
#include "host/values/result.hpp"

namespace rolesync::plugin {

struct Descriptor {
  std::string name;
  std::string version_text;
  Semver version;
  std::vector<Provided> provides;  // never empty; (kind, id) unique within
};

// Errors: invalid/invalid_descriptor with a JSON pointer per fault.
Result<Descriptor> parse_descriptor(std::string_view text);

// The services of docs/plugin-services.md: what may stand in `needs`.
bool is_known_service(std::string_view name);

}  // namespace rolesync::plugin
