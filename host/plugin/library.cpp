// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/library.hpp"

#include <boost/dll/import.hpp>
#include <boost/dll/shared_library.hpp>
#include <cstddef>

#include "host/plugin/status_codes.hpp"

namespace rolesync::plugin {
namespace {

constexpr const char* entry_name = "rolesync_plugin";
// What every minor has. A field that a later one appended is looked at only if the plugin's own
// struct_size says that it is there.
constexpr std::size_t entry_size_1_0 = offsetof(rs_plugin, destroy) + sizeof rs_plugin::destroy;

Error refuse(const char* reason, std::string message, std::string hint = "") {
  return {ErrorKind::invalid, reason, std::move(message), std::move(hint)};
}

// Boost's text is "<its words>: <the loader's words>"; the loader's name the private copy.
Error load_error(const std::string& text, const std::filesystem::path& path) {
  std::string loader = text;
  const std::string name = path.string() + ": ";
  if (const auto at = loader.find(name); at != std::string::npos) {
    loader = loader.substr(at + name.size());
  }
  if (loader.find("undefined symbol") != std::string::npos) {
    return refuse("symbol_unresolved", "the library needs something nobody provides: " + loader,
                  "link what it uses; rolesync_add_plugin() finds this at build time");
  }
  return refuse("load_failed", "the library cannot be loaded: " + loader);
}

Status check_door(const rs_plugin& plugin) {
  if (plugin.magic != RS_ABI_MAGIC) {
    return refuse("wrong_magic", "rolesync_plugin does not point at a plugin",
                  "export it with ROLESYNC_PLUGIN");
  }
  if (plugin.abi_major != RS_ABI_MAJOR) {
    return refuse("abi_unsupported",
                  "the plugin was built for ABI " + std::to_string(plugin.abi_major) +
                      "; this host has " + std::to_string(RS_ABI_MAJOR),
                  "rebuild it with the SDK of this host");
  }
  if (plugin.struct_size < entry_size_1_0 || !plugin.describe || !plugin.create || !plugin.call ||
      !plugin.destroy) {
    return refuse("entry_incomplete", "the plugin's entry lacks functions",
                  "export it with ROLESYNC_PLUGIN");
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const rs_plugin>> load_library(const std::filesystem::path& path) {
  using boost::dll::load_mode::rtld_local;
  using boost::dll::load_mode::rtld_now;
  boost::dll::shared_library library;
  try {
    library.load(path, rtld_now | rtld_local);
    if (!library.has(entry_name)) {
      return refuse("entry_missing", "the library exports no rolesync_plugin",
                    "build it with ROLESYNC_PLUGIN and rolesync_add_plugin()");
    }
    const auto entry = boost::dll::import_alias<const rs_plugin>(library, entry_name);
    if (!entry) return refuse("entry_missing", "rolesync_plugin is a null pointer");
    // The alias keeps the library; whoever holds the result holds both.
    std::shared_ptr<const rs_plugin> plugin(entry.get(), [entry](const rs_plugin*) {});
    if (Status status = check_door(*plugin); !status) return status.error();
    return plugin;
  } catch (const std::exception& thrown) {
    return load_error(thrown.what(), path);
  }
}

Result<std::string> describe(const rs_plugin& plugin) {
  std::string text;
  const rs_sink sink = sink_into(text);
  const std::int32_t status = plugin.describe(&sink);
  if (status == RS_OK) return text;
  return refuse("describe_failed",
                "the plugin cannot describe itself: " + error_from_status(status, text).message);
}

rs_sink sink_into(std::string& text) {
  return {&text, [](void* context, const char* data, std::size_t size) {
            static_cast<std::string*>(context)->append(data, size);
          }};
}

}  // namespace rolesync::plugin
