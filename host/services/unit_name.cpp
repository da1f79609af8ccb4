// SPDX-License-Identifier: Apache-2.0
#include "host/services/units.hpp"

namespace rolesync {

Result<std::string> full_unit_name(const std::string& unit) {
  static constexpr const char* kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
  if (unit.empty() || unit.size() > 255 || unit[0] == '-' || unit[0] == '.' ||
      unit.find_first_not_of(kAllowed) != std::string::npos) {
    return Error{ErrorKind::invalid, "invalid_request", "'" + unit + "' is not a unit name",
                 "unit names hold letters, digits and :-_.\\@"};
  }
  for (const char* suffix : {".service", ".socket", ".target", ".timer", ".path", ".slice",
                             ".scope", ".mount", ".swap", ".device", ".automount"}) {
    if (unit.ends_with(suffix)) return unit;
  }
  return unit + ".service";
}

}  // namespace rolesync
