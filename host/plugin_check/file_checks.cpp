// SPDX-License-Identifier: Apache-2.0
// RS1xx: what a server sees before it loads anything. Nothing of the plugin runs.
#include <sys/stat.h>
#include <unistd.h>

#include "host/plugin/file_check.hpp"
#include "host/plugin_check/elf_symbols.hpp"
#include "host/plugin_check/families.hpp"
#include "host/plugin_check/subject.hpp"
#include "host/values/names.hpp"

namespace rolesync::plugin_check {
namespace {

constexpr const char* entry_name = "rolesync_plugin";

Outcome file_name(Subject& subject) {
  const auto& file = subject.file();
  if (file.extension() == ".so" && is_plugin_id(file.stem().string())) return passed();
  return failed("\"" + file.filename().string() + "\" is not <id>.so");
}

// The directory is the operator's affair; the file travels with its mode.
Outcome permissions(Subject& subject) {
  struct stat found {};
  if (::lstat(subject.file().c_str(), &found) != 0) return failed("the file cannot be examined");
  if (S_ISLNK(found.st_mode)) return failed("it is a symbolic link");
  if (!S_ISREG(found.st_mode)) return failed("it is no regular file");
  if (found.st_mode & (S_IWGRP | S_IWOTH)) return failed("others than its owner may write it");
  if (found.st_uid != 0 && found.st_uid != ::geteuid()) {
    return failed("it belongs to user " + std::to_string(found.st_uid));
  }
  return passed();
}

Outcome elf(Subject& subject) {
  const auto bytes = subject.bytes();
  if (!bytes) return failed(bytes.error().message);
  const Status status = plugin::check_elf(*bytes);
  return status ? passed() : failed(status.error().message);
}

Outcome one_export(Subject& subject) {
  const auto bytes = subject.bytes();
  if (!bytes) return failed(bytes.error().message);
  const auto symbols = dynamic_symbols(*bytes);
  if (!symbols) return failed("the file has no readable table of dynamic symbols");
  bool entry = false;
  std::size_t others = 0;
  std::string first;
  for (const ElfSymbol& symbol : *symbols) {
    if (!symbol.defined || symbol.name.empty()) continue;
    if (symbol.name == entry_name) {
      entry = true;
    } else if (others++ == 0) {
      first = symbol.name;
    }
  }
  if (!entry) return failed("it does not export rolesync_plugin");
  if (others == 0) return passed();
  return failed("it exports " + std::to_string(others) + " more symbols, for example " + first);
}

Outcome no_unique_symbol(Subject& subject) {
  const auto bytes = subject.bytes();
  if (!bytes) return failed(bytes.error().message);
  for (const ElfSymbol& symbol : dynamic_symbols(*bytes).value_or(std::vector<ElfSymbol>())) {
    if (symbol.unique) return failed("symbol " + symbol.name + " is unique (STB_GNU_UNIQUE)");
  }
  return passed();
}

}  // namespace

std::vector<Check> file_checks() {
  return {
      {"RS101", "the file has the name of a plugin",
       "a plugin directory ignores other names, so the plugin would never appear",
       "name it <id>.so: lower-case letters, digits, '-' and '_'; rolesync_add_plugin() does",
       &file_name},
      {"RS102", "nobody but its owner can write the file",
       "server and agent run what is in the file with their own rights, so they refuse one that "
       "others could have written",
       "chmod go-w the file; copy it instead of linking to it", &permissions},
      {"RS103", "it is a complete library for this machine",
       "a cut or foreign file cannot be loaded; a cut one would end the process that tries",
       "build it for this architecture and copy it whole", &elf, true},
      {"RS104", "it exports one symbol, rolesync_plugin",
       "every other exported symbol can be mixed up with one of the same name elsewhere in the "
       "process",
       "build it with rolesync_add_plugin(), which links with a version script", &one_export},
      {"RS105", "it has no unique symbol",
       "a unique symbol keeps the library in memory: after an update the old code would answer",
       "build it with rolesync_add_plugin(); with g++ by hand: -fno-gnu-unique and the SDK's "
       "version script",
       &no_unique_symbol},
  };
}

}  // namespace rolesync::plugin_check
