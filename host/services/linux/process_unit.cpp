// SPDX-License-Identifier: Apache-2.0
#include "host/services/process_unit.hpp"

#include <sstream>

#include "host/services/units.hpp"
#include "host/values/file_text.hpp"

namespace rolesync {

std::optional<bool> cgroups_name_unit(const std::string& cgroups, const std::string& unit) {
  const Result<std::string> name = full_unit_name(unit);
  if (!name) return std::nullopt;
  // A role's service may be a template: each of its instances is the role's.
  const std::size_t suffix = name->rfind('.');
  const std::string bare = name->substr(0, suffix);
  const std::string begin = bare.ends_with('@') ? bare : bare + "@", end = name->substr(suffix);
  const bool may_be_template = bare.find('@') == std::string::npos || bare.ends_with('@');
  bool of_another = false;
  std::istringstream lines(cgroups);
  for (std::string line; std::getline(lines, line);) {
    // "4:memory:/path", "1:name=systemd:/path", "0::/path"
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::istringstream parts(line.substr(second + 1));
    for (std::string part; std::getline(parts, part, '/');) {
      if (part == *name) return true;
      if (may_be_template && part.starts_with(begin) && part.ends_with(end)) return true;
      of_another = of_another || part.ends_with(".service") || part.ends_with(".scope");
    }
  }
  return of_another ? std::optional<bool>(false) : std::nullopt;
}

std::optional<bool> is_of_unit(pid_t pid, const std::string& unit) {
  if (pid <= 0) return std::nullopt;
  const auto text = file_text("/proc/" + std::to_string(pid) + "/cgroup");
  return cgroups_name_unit(text.value_or(""), unit);
}

}  // namespace rolesync
