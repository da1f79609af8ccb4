// SPDX-License-Identifier: Apache-2.0
// What a plugin says about itself, as a page for people: made from its descriptor alone, so it is
// never out of step with the code. Pure; any thread.
#pragma once
#include <string>

#include "host/plugin/descriptor.hpp"

namespace rolesync::cli {

std::string plugin_markdown(const plugin::Descriptor& descriptor);

// "| option | type | default | allowed | meaning |" with a row per option; "" when there are none.
std::string option_table(const std::string& options_schema);

}  // namespace rolesync::cli
