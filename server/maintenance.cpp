// SPDX-License-Identifier: Apache-2.0
#include "server/maintenance.hpp"

#include <cstdio>

#include "server/store/backup.hpp"

namespace rolesync {
namespace {

store::StoreLocation location_of(const ServerConfig& config) {
  return {config.store, database_file(config)};
}

}  // namespace

int failed(const Error& error) {
  std::fprintf(stderr, "rolesync-server: %s\n", error.text().c_str());
  return error.kind == ErrorKind::invalid ? 2 : 1;
}

int back_up_store(const ServerConfig& config, const std::string& file) {
  const Status done = store::back_up(location_of(config), file);
  if (!done) return failed(done.error());
  std::printf("wrote %s\n", file.c_str());
  return 0;
}

int restore_store(const ServerConfig& config, const std::string& file) {
  const Status done = store::restore(location_of(config), file);
  if (!done) return failed(done.error());
  std::printf("restored %s into %s\n", file.c_str(),
              config.store == "sqlite" ? database_file(config).c_str() : config.store.c_str());
  return 0;
}

int migrate_store_to(const ServerConfig& config, const std::string& address) {
  const auto copied =
      store::migrate_store(location_of(config), address, [](const store::CopiedTable& table) {
        std::printf("%-20s %10llu rows  %.16s%s\n", table.name.c_str(),
                    static_cast<unsigned long long>(table.rows), table.digest.c_str(),
                    table.was_there ? "  (was there)" : "");
        std::fflush(stdout);
      });
  if (!copied) return failed(copied.error());
  std::printf("all tables are equal; now set store = \"%s\" in the server's config\n",
              address.c_str());
  return 0;
}

}  // namespace rolesync
