// SPDX-License-Identifier: Apache-2.0
// Semantic versions of plugins: 1.2.3 or 1.2.3-rc.1. Build metadata is refused. Pure; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rolesync::plugin {

struct Semver {
  std::uint32_t major = 0, minor = 0, patch = 0;
  std::string prerelease;  // empty: a release, which is higher than its pre-releases

  static std::optional<Semver> parse(std::string_view text);
};

// Negative, zero or positive, as semver.org orders them.
int compare(const Semver& a, const Semver& b);

}  // namespace rolesync::plugin
