// SPDX-License-Identifier: Apache-2.0
#include "tests/place.hpp"

namespace rolesync {

const std::string& source_directory() {
  static const std::string directory = ROLESYNC_SOURCE_DIR;
  return directory;
}

const std::string& build_directory() {
  static const std::string directory = ROLESYNC_BINARY_DIR;
  return directory;
}

}  // namespace rolesync
