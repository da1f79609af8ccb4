// SPDX-License-Identifier: Apache-2.0
// A small fleet for plan tests: one role, two contents, one node.
#pragma once
#include <map>

#include "server/domain/plan.hpp"

namespace rolesync::domain {

inline ManifestEntry file(std::string path, char id, std::uint64_t size) {
  return {FileMode::regular, std::string(40, id), size, std::move(path)};
}

struct Fleet {
  Fleet() {
    old_manifest = *Manifest::from_entries({file("a", 'a', 10), file("b", 'b', 20)});
    new_manifest = *Manifest::from_entries({file("a", 'c', 11), file("d", 'd', 5)});
    Role role;
    role.name = "web";
    role.source_paths = {"web"};
    role.target_path = "/srv/web";
    role.systemd_service = "web";
    role.auto_restart = AutoRestart::yes;
    role.deployer = "mover";
    role.detector = "looker";
    role.restart_strategy = "unit";
    input.roles["web"] = {role, "rr1:a", {std::string(40, '2'), new_manifest.content_id(), "", ""}};
    input.effective["n1"] = {"web"};
    input.server_plugins = {{"deployer", "mover"}};
    input.serviceless_strategy = "nothing";
    input.nodes = {
        {"n1",
         true,
         false,
         std::nullopt,
         {"web"},
         {{"web", report()}},
         PluginSet{{"deployer", "mover"}, {"detector", "looker"}, {"restart_strategy", "unit"}}}};
    input.manifest = [this](const std::string& id) -> const Manifest* {
      if (id == old_manifest.content_id()) return &old_manifest;
      return id == new_manifest.content_id() ? &new_manifest : nullptr;
    };
  }
  Fleet(const Fleet&) = delete;

  RoleReport report() const {
    RoleReport result;
    result.path_exists = true;
    result.commit = std::string(40, '1');
    result.content_id = old_manifest.content_id();
    result.role_revision = "rr1:a";
    return result;
  }
  Role& role() { return input.roles["web"].role; }
  RoleReport& on_node() { return input.nodes[0].reports["web"]; }
  PlanRow row() { return make_plan(input).rows.at(0); }

  Manifest old_manifest, new_manifest;
  PlanInput input;
};

}  // namespace rolesync::domain
