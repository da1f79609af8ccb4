// SPDX-License-Identifier: Apache-2.0
// All effective roles: plugins' specs with the overrides of the database. A snapshot is built
// beside the old one and swapped in, so readers never wait. Any thread.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/plugin/registry.hpp"
#include "server/domain/effective_role.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

struct CatalogRole {
  std::string name;
  std::optional<domain::EffectiveRole> effective;  // nothing: see error
  std::optional<Error> error;
  std::string spec;              // JSON text of the plugin's answer; empty: no plugin
  std::int64_t version = 0;      // of the overrides; 0: none
  std::string overrides = "{}";  // JSON text
};

struct Catalog {
  std::map<std::string, CatalogRole> roles;
  std::map<std::string, Role> usable;  // the effective ones
  std::string revision;                // changes with any usable role
  std::string definitions;             // JSON text of the array for agents

  const CatalogRole* find(const std::string& name) const;
  // ETag of what a node gets: the definitions and which of them count for it.
  std::string etag(const std::vector<std::string>& effective) const;
};

class RoleCatalog {
 public:
  RoleCatalog(plugin::Registry& registry, store::Store& store, RoleDefaults defaults);

  std::shared_ptr<const Catalog> get() const;
  const RoleDefaults& defaults() const { return defaults_; }

  // Asks the plugins again (`specs`) and reads the overrides; tells on_change when something
  // differs. Errors: the store's; the old snapshot stays.
  Status reload(bool specs);
  // Set once, before the first reload. Called on the reloading thread, after the swap.
  void on_change(std::function<void()> callback) { changed_ = std::move(callback); }

 private:
  void ask_plugins();

  plugin::Registry& registry_;
  store::Store& store_;
  const RoleDefaults defaults_;
  std::function<void()> changed_;
  std::mutex reloading_;
  struct Spec {
    std::string content;  // sha256 of the plugin that said it
    std::string text;     // JSON
  };
  std::map<std::string, Spec> specs_;  // by plugin id
  std::map<std::string, Error> broken_specs_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Catalog> current_;
};

}  // namespace rolesync::rollout
