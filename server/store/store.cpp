// SPDX-License-Identifier: Apache-2.0
#include "server/store/store.hpp"

#include "server/store/postgres_text.hpp"

namespace rolesync::store {

Result<std::unique_ptr<Store>> open_store(const std::string& setting,
                                          const std::filesystem::path& file) {
  if (setting == "sqlite") return open_sqlite({.file = file});
  return open_postgres({.address = setting});
}

Status check_store_setting(const std::string& setting) {
  if (setting == "sqlite") return {};
  const auto address = parse_postgres_address(setting);
  return address ? Status{} : Status{address.error()};
}

}  // namespace rolesync::store
