// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>

#include <nlohmann/json.hpp>
#include <rolesync/testing/plugin.hpp>
#include <stdexcept>

namespace rolesync::testing {
namespace {

rs_sink sink_into(std::string& text) {
  return {&text, [](void* context, const char* data, size_t size) {
            static_cast<std::string*>(context)->append(data, size);
          }};
}

[[noreturn]] void throw_error(int32_t status, const std::string& text) {
  const Json error = Json::parse(text, nullptr, false);
  if (!error.is_object()) throw std::runtime_error("the plugin reported no error object: " + text);
  throw Error(static_cast<Code>(status), error.at("reason"), error.at("message").get<std::string>(),
              error.at("hint"));
}

}  // namespace

PluginInstance::PluginInstance(std::shared_ptr<const rs_plugin> plugin, void* instance)
    : plugin_(std::move(plugin)),
      instance_(instance, [plugin = plugin_](void* held) { plugin->destroy(held); }) {}

Json PluginInstance::call(const std::string& method) const {
  return call(method, Json::object());
}

Json PluginInstance::call(const std::string& method, const Json& request) const {
  std::string reply;
  const rs_sink sink = sink_into(reply);
  const std::string text = request.dump();
  const int32_t status =
      plugin_->call(instance_.get(), method.c_str(), text.data(), text.size(), &sink);
  if (status != RS_OK) throw_error(status, reply);
  return Json::parse(reply);
}

Plugin::Plugin(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw std::runtime_error(dlerror());
  const std::shared_ptr<void> held(library, [](void* loaded) { dlclose(loaded); });
  const auto* entry = static_cast<const rs_plugin* const*>(dlsym(library, "rolesync_plugin"));
  if (!entry || !*entry || (*entry)->magic != RS_ABI_MAGIC) {
    throw std::runtime_error(path + " exports no rolesync_plugin");
  }
  plugin_ = std::shared_ptr<const rs_plugin>(held, *entry);
}

Plugin::Plugin(const rs_plugin& plugin) : plugin_(std::shared_ptr<const rs_plugin>(), &plugin) {}

Json Plugin::descriptor() const {
  std::string text;
  const rs_sink sink = sink_into(text);
  const int32_t status = plugin_->describe(&sink);
  if (status != RS_OK) throw_error(status, text);
  return Json::parse(text);
}

PluginInstance Plugin::create(const std::string& kind, const std::string& id,
                              FakeHost& host) const {
  const Json about = descriptor();
  for (const Json& provided : about.at("provides")) {
    if (provided.at("kind") == kind && provided.at("id") == id) {
      host.allow_only(provided.at("needs").get<std::vector<std::string>>());
    }
  }
  void* instance = nullptr;
  std::string text;
  const rs_sink sink = sink_into(text);
  const int32_t status =
      plugin_->create(host.raw(), kind.c_str(), id.c_str(), "{}", 2, &instance, &sink);
  if (status != RS_OK) throw_error(status, text);
  return {plugin_, instance};
}

}  // namespace rolesync::testing
