// SPDX-License-Identifier: Apache-2.0
// The dynamic symbols of a library, read from its bytes: nothing is loaded. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rolesync::plugin_check {

struct ElfSymbol {
  std::string name;
  bool defined = false;
  bool unique = false;  // STB_GNU_UNIQUE: keeps its library loaded for ever
};

// Global symbols only. Nothing when the file has no table of dynamic symbols, or a broken one.
std::optional<std::vector<ElfSymbol>> dynamic_symbols(std::string_view bytes);

}  // namespace rolesync::plugin_check
