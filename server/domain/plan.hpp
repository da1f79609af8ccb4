// SPDX-License-Identifier: Apache-2.0
// What a sync would do: a pure function of roles, nodes, what they reported, and options. One row
// per node and role, the files once per (role, from, to). plan_hash covers the rows, neither
// reachability nor time, so the same situation always has the same hash. Any thread.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "host/activation/manifest.hpp"
#include "host/role/role.hpp"
#include "server/domain/report.hpp"
#include "server/domain/version_state.hpp"

namespace rolesync::domain {

struct PlanOptions {
  std::string first_install = "refuse";  // refuse, adopt, overlay
  std::string restart = "auto";          // auto, always, never
  bool operator==(const PlanOptions&) const = default;
};

using PluginSet = std::set<std::pair<std::string, std::string>>;  // (kind, id)

struct PlannedRole {
  Role role;
  std::string revision;
  NewestContent to;
};

struct Version {
  std::string commit, content_id, role_revision;  // all empty: nothing
  bool operator==(const Version&) const = default;
};

// What a tree that rolesync did not deploy was found to be.
struct IdentifiedTree {
  Version base;               // to be adopted
  std::size_t differing = 0;  // files that are not as in that
  std::string summary;        // "frontend = cd84b085 + 3 changed files"
};

struct PlannedNode {
  std::string id;
  bool online = false;
  bool revoked = false;
  std::optional<std::string> drained;  // by a person, with this reason
  std::vector<std::string> roles;      // those that count on the node and are asked for
  std::map<std::string, RoleReport> reports;
  std::optional<PluginSet> plugins;                  // nothing: not reported yet
  std::map<std::string, IdentifiedTree> identified;  // by role
};

struct PlanInput {
  std::map<std::string, PlannedRole> roles;
  // All roles that count on a node, asked for or not: for overlaps.
  std::map<std::string, std::vector<std::string>> effective;
  std::vector<PlannedNode> nodes;
  PluginSet server_plugins;
  std::string serviceless_strategy;  // what a role without a service is restarted by: nothing
  PlanOptions options;
  // nullptr: not known here.
  std::function<const Manifest*(const std::string& content_id)> manifest;
};

struct Blocker {
  std::string reason, message, hint;
  bool stops = true;  // false: only a warning
  bool operator==(const Blocker&) const = default;
};

struct PlanRow {
  std::string node, role;
  Version from, to;
  std::string change;  // content, settings, both, repair, adopt, none
  bool restart = false;
  std::string restart_reason;
  std::string gate;  // none, process, port, http
  std::vector<Blocker> blockers;
  std::size_t files_added = 0, files_changed = 0, files_removed = 0;
  std::uint64_t bytes = 0;
  std::string first_install;
  int order = 100;
  std::vector<std::string> commands;  // fields of those that will run, in their order

  bool acts() const { return change != "none" || restart; }
  const Blocker* stopper() const;
  bool operator==(const PlanRow&) const = default;
};

struct FileEntry {
  std::string path;
  std::uint64_t size = 0;
  FileMode mode = FileMode::regular;
  bool operator==(const FileEntry&) const = default;
};

struct FileList {
  std::string role, from_content_id, to_content_id;
  std::vector<FileEntry> added, changed, removed;
  bool truncated = false;
};
inline constexpr std::size_t max_listed_files = 1'000;

struct Plan {
  std::string hash;           // "pl1:" + sha256
  std::vector<PlanRow> rows;  // by role order, role, node
  std::vector<FileList> files;
};

Plan make_plan(const PlanInput& input);

}  // namespace rolesync::domain
