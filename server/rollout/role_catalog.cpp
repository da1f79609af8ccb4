// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/role_catalog.hpp"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "host/values/hash.hpp"
#include "host/values/names.hpp"
#include "server/store/roles.hpp"

namespace rolesync::rollout {
namespace {

Json json_or_null(const std::string& text) {
  if (text.empty()) return {};
  const auto parsed = parse_json(text);
  return parsed ? *parsed : Json();
}

void complete(Catalog& catalog) {
  Json definitions = Json::array();
  for (const auto& [name, role] : catalog.roles) {
    if (!role.effective) continue;
    catalog.usable.emplace(name, role.effective->role);
    Json definition = role_to_json(role.effective->role);
    definition["role_revision"] = role.effective->revision;
    definitions.push_back(std::move(definition));
  }
  catalog.definitions = to_text(definitions);
  catalog.revision = sha256_hex(catalog.definitions);
}

}  // namespace

const CatalogRole* Catalog::find(const std::string& name) const {
  const auto it = roles.find(name);
  return it == roles.end() ? nullptr : &it->second;
}

std::string Catalog::etag(const std::vector<std::string>& effective) const {
  std::string text = revision;
  for (const std::string& role : effective) text += " " + role;
  return sha256_hex(text).substr(0, 32);
}

RoleCatalog::RoleCatalog(plugin::Registry& registry, store::Store& store, RoleDefaults defaults)
    : registry_(registry),
      store_(store),
      defaults_(std::move(defaults)),
      current_(std::make_shared<const Catalog>()) {}

std::shared_ptr<const Catalog> RoleCatalog::get() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void RoleCatalog::ask_plugins() {
  const auto before = std::exchange(specs_, {});
  broken_specs_.clear();
  for (const plugin::Provided& provided : registry_.provided("role")) {
    if (!is_name(provided.id)) {
      spdlog::warn("plugin role id \"{}\" is not a role name; left out", provided.id);
      continue;
    }
    // What a content has said of itself it is not asked again: it may not answer now.
    const std::string content = registry_.content_of("role", provided.id);
    const auto known = before.find(provided.id);
    if (known != before.end() && known->second.content == content) {
      specs_[provided.id] = known->second;
      continue;
    }
    plugin::CallOptions call;
    call.attempts = 3;
    const auto spec = registry_.call("role", provided.id, "spec", Json::object(), call);
    if (spec && spec->is_object()) {
      specs_[provided.id] = {content, to_text(*spec)};
    } else {
      const Error error =
          spec ? Error{ErrorKind::failed, "plugin_fault", "spec is not a JSON object"}
               : spec.error();
      spdlog::error("role={} plugin spec failed: {}", provided.id, error.text());
      broken_specs_.emplace(provided.id, error);
    }
  }
}

Status RoleCatalog::reload(bool specs) {
  const std::lock_guard one_at_a_time(reloading_);
  if (specs) ask_plugins();
  const auto overrides =
      store_.read([](store::Session& s) { return store::list_role_overrides(s); });
  if (!overrides) return overrides.error();

  auto next = std::make_shared<Catalog>();
  for (const auto& [name, spec] : specs_) {
    next->roles[name].name = name;
    next->roles[name].spec = spec.text;
  }
  for (const store::RoleOverride& override_ : *overrides) {
    CatalogRole& role = next->roles[override_.role];
    role.name = override_.role;
    role.version = override_.version;
    role.overrides = override_.fields;
  }
  for (const auto& [name, error] : broken_specs_) {
    next->roles[name].name = name;
    next->roles[name].error = error;
  }
  for (auto& [name, role] : next->roles) {
    if (role.error) continue;
    auto effective = domain::effective_role(name, json_or_null(role.spec),
                                            json_or_null(role.overrides), defaults_);
    if (effective) {
      role.effective = std::move(*effective);
    } else {
      role.error = effective.error();
    }
  }
  complete(*next);

  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    changed = current_->revision != next->revision;
    current_ = std::move(next);
  }
  if (changed && changed_) changed_();
  return {};
}

}  // namespace rolesync::rollout
