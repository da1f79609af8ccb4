// SPDX-License-Identifier: Apache-2.0
#include "host/services/plugin_state.hpp"

#include <nlohmann/json.hpp>

#include "host/services/durable_file.hpp"

namespace rolesync {
namespace {
constexpr std::size_t kMaxBytes = 64 << 10;
}

PluginState::PluginState(std::string directory) : directory_(std::move(directory)) {}

std::string PluginState::path(const std::string& plugin) const {
  return directory_ + "/" + plugin + ".json";
}

Result<Json> PluginState::load(const std::string& plugin) {
  Result<std::optional<std::string>> text = read_if_there(path(plugin));
  if (!text) return text.error();
  if (!text->has_value()) return Json::object();
  Result<Json> state = parse_json(**text);
  if (!state) return state.error();
  return state->is_object() ? std::move(*state) : Json::object();
}

Result<Json> PluginState::get(const std::string& plugin, const std::string& key) {
  std::lock_guard lock(mutex_);
  Result<Json> state = load(plugin);
  if (!state) return state;
  auto it = state->find(key);
  return it == state->end() ? Json(nullptr) : *it;
}

Status PluginState::put(const std::string& plugin, const std::string& key, const Json& value) {
  std::lock_guard lock(mutex_);
  Result<Json> state = load(plugin);
  if (!state) return state.error();
  if (value.is_null()) {
    state->erase(key);
  } else {
    (*state)[key] = value;
  }
  const std::string text = to_text(*state);
  if (text.size() > kMaxBytes) {
    return Error{ErrorKind::too_large, "state_too_large",
                 "the state of plugin " + plugin + " would grow over 64 KiB",
                 "keep identifiers there, not data"};
  }
  if (Status made = make_directories(directory_); !made) return made;
  return write_durably(path(plugin), text);
}

}  // namespace rolesync
