// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/planner.hpp"

#include <algorithm>
#include <set>

#include "host/values/names.hpp"

namespace rolesync::rollout {
namespace {

bool wanted(const std::optional<std::vector<std::string>>& names, const std::string& name) {
  return !names || std::find(names->begin(), names->end(), name) != names->end();
}

Status check_request(const PlanRequest& request, const Catalog& catalog,
                     const NodeRegistry& nodes) {
  for (const std::string& name : request.roles.value_or(std::vector<std::string>{})) {
    const CatalogRole* role = catalog.find(name);
    if (!role) {
      return Error{ErrorKind::not_found, "unknown_role", "there is no role \"" + name + "\"",
                   "see GET /api/roles for the roles there are"};
    }
    if (!role->effective) {
      return Error{ErrorKind::conflict, "role_unusable",
                   "role " + name + " cannot be used: " + role->error->message, role->error->hint};
    }
  }
  for (const std::string& name : request.nodes.value_or(std::vector<std::string>{})) {
    if (!nodes.find(name)) {
      return Error{ErrorKind::not_found, "unknown_node", "there is no node \"" + name + "\"",
                   "see GET /api/nodes for the nodes there are"};
    }
  }
  if (!request.commit.empty() && !is_commit(request.commit)) {
    return Error{ErrorKind::invalid,
                 "invalid_commit",
                 "a commit is 40 or 64 lower-case hex digits",
                 "give the full commit id",
                 {{"/commit", "is not a full commit id"}}};
  }
  return {};
}

Error unknown_commit(const std::string& source, const std::string& commit) {
  return {ErrorKind::not_found, "unknown_commit", "source " + source + " has no commit " + commit,
          "pull the code source first"};
}

}  // namespace

domain::PlanInput Planner::input(Manifests& manifests) const {
  domain::PlanInput input;
  const auto catalog = catalog_.get();
  for (const auto& [name, entry] : catalog->roles) {
    if (!entry.effective) continue;
    const auto& effective = *entry.effective;
    input.roles[name] = {effective.role, effective.revision,
                         intake_.newest(name, effective.revision)};
  }
  for (const NodePointer& node : nodes_.all()) {
    domain::PlannedNode planned;
    planned.id = node->id;
    planned.online = node->presence == "online";
    planned.revoked = node->identity.revoked_at.has_value();
    if (node->drained_at) planned.drained = node->drained_reason;
    planned.reports = node->parts->reports;
    if (node->parts->plugins) planned.plugins = node->parts->plugins->usable;
    for (const auto& role :
         domain::effective_roles(node->assigned, planned.reports, catalog->usable)) {
      planned.roles.push_back(role.role);
      const auto known = identifications_.find(node->id, role.role);
      if (!known || known->role_revision != input.roles[role.role].revision) continue;
      planned.identified[role.role] = {
          {known->nearest.commit, known->content_id, known->role_revision},
          known->nearest.differences.size() - known->nearest.ghosts.size(),
          known->summary()};
    }
    input.effective[node->id] = planned.roles;
    input.nodes.push_back(std::move(planned));
  }
  for (const auto& provided : registry_.provided("deployer")) {
    input.server_plugins.emplace("deployer", provided.id);
  }
  input.serviceless_strategy = catalog_.defaults().serviceless_strategy;
  input.manifest = [this, &manifests](const std::string& id) -> const Manifest* {
    auto it = manifests.find(id);
    if (it == manifests.end()) {
      const auto manifest = service_.manifest(id);
      it = manifests.emplace(id, manifest ? *manifest : nullptr).first;
    }
    return it->second.get();
  };
  return input;
}

// Replaces the newest content of these roles by that of a commit.
Status Planner::pin(domain::PlanInput& input, const std::vector<std::string>& roles,
                    const std::string& commit) const {
  std::map<std::string, std::vector<Role>> by_source;
  for (const std::string& name : roles) {
    auto& planned = input.roles.at(name);
    if (planned.role.source_paths.empty() || planned.to.commit == commit) continue;
    by_source[planned.role.code_source].push_back(planned.role);
  }
  for (const auto& [source, definitions] : by_source) {
    const auto mirror = service_.mirror(source);
    if (!mirror) return mirror.error();
    const auto known = (*mirror)->has_commit(commit);
    if (!known) return known.error();
    if (!*known) {
      return unknown_commit(source, commit);
    }
    const auto contents = service_.import(source, commit, definitions);
    if (!contents) return contents.error();
    for (const auto& [name, content] : *contents) {
      auto& to = input.roles.at(name).to;
      if (!content) {
        to = {"", "", content.error().reason, content.error().message};
      } else if (content->manifest.empty()) {
        const Error none = no_files_in_commit(name, commit);
        to = {"", "", none.reason, none.message};
      } else {
        to = {commit, content->content_id, "", ""};
      }
    }
  }
  return {};
}

Result<domain::Plan> Planner::plan(const PlanRequest& request) const {
  if (Status checked = check_request(request, *catalog_.get(), nodes_); !checked) {
    return checked.error();
  }
  Manifests manifests;
  domain::PlanInput gathered = input(manifests);
  gathered.options = request.options;
  std::set<std::string> named;
  std::erase_if(gathered.nodes, [&](const auto& node) { return !wanted(request.nodes, node.id); });
  for (auto& node : gathered.nodes) {
    std::erase_if(node.roles, [&](const auto& role) { return !wanted(request.roles, role); });
    named.insert(node.roles.begin(), node.roles.end());
  }
  if (!request.commit.empty()) {
    if (Status pinned = pin(gathered, {named.begin(), named.end()}, request.commit); !pinned) {
      return pinned.error();
    }
  }
  return domain::make_plan(gathered);
}

Result<std::vector<domain::PlanRow>> Planner::again(const std::vector<domain::PlanRow>& rows,
                                                    const domain::PlanOptions& options) const {
  Manifests manifests;
  domain::PlanInput gathered = input(manifests);
  gathered.options = options;
  std::map<std::string, std::set<std::string>> roles_of;     // node -> roles
  std::map<std::string, std::vector<std::string>> roles_at;  // commit -> roles
  for (const auto& row : rows) {
    roles_of[row.node].insert(row.role);
    if (!row.to.commit.empty() && gathered.roles.contains(row.role)) {
      roles_at[row.to.commit].push_back(row.role);
    }
  }
  for (auto& [commit, roles] : roles_at) {
    std::sort(roles.begin(), roles.end());
    roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
    if (Status pinned = pin(gathered, roles, commit); !pinned) return pinned.error();
  }
  std::erase_if(gathered.nodes, [&](const auto& node) { return !roles_of.contains(node.id); });
  for (auto& node : gathered.nodes) {
    std::erase_if(node.roles,
                  [&](const auto& role) { return !roles_of.at(node.id).contains(role); });
  }
  return domain::make_plan(gathered).rows;
}

}  // namespace rolesync::rollout
