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

Result<UnitAddress> unit_address(const std::string& unit) {
  constexpr std::string_view prefix = "user:";
  std::string user, rest = unit;
  if (unit.starts_with(prefix)) {
    const std::size_t slash = unit.find('/');
    user = unit.substr(prefix.size(), slash == std::string::npos ? slash : slash - prefix.size());
    static constexpr const char* kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    if (slash == std::string::npos || user.empty() || user.size() > 32 || user[0] == '-' ||
        user.find_first_not_of(kAllowed) != std::string::npos) {
      return Error{ErrorKind::invalid, "invalid_request", "'" + unit + "' is not a user's unit",
                   "write user:NAME/unit"};
    }
    rest = unit.substr(slash + 1);
  }
  Result<std::string> name = full_unit_name(rest);
  if (!name) return name.error();
  return UnitAddress{std::move(user), std::move(*name)};
}

const char* verb(UnitAction action) {
  switch (action) {
    case UnitAction::start:
      return "start";
    case UnitAction::stop:
      return "stop";
    case UnitAction::restart:
      return "restart";
    case UnitAction::reload:
      return "reload";
    case UnitAction::try_restart:
      return "try-restart";
    case UnitAction::reload_or_restart:
      return "reload-or-restart";
  }
  return "";
}

}  // namespace rolesync
