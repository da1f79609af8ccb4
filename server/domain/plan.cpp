// SPDX-License-Identifier: Apache-2.0
#include "server/domain/plan.hpp"

#include <algorithm>
#include <limits>

#include "host/role/role_paths.hpp"
#include "server/domain/plan_json.hpp"

namespace rolesync::domain {
namespace {

const Manifest* known_manifest(const PlanInput& input, const std::string& content_id) {
  return content_id.empty() || !input.manifest ? nullptr : input.manifest(content_id);
}

FileEntry entry_of(const ManifestEntry& entry) {
  return {entry.path, entry.size, entry.mode};
}

void add_listed(std::vector<FileEntry>& list, const ManifestEntry& entry, FileList& files) {
  if (list.size() < max_listed_files) {
    list.push_back(entry_of(entry));
  } else {
    files.truncated = true;
  }
}

struct FileCounts {
  std::size_t added = 0, changed = 0, removed = 0;
  std::uint64_t bytes = 0;
};

FileCounts count_files(const Manifest* from, const Manifest& to, FileList& files) {
  static const Manifest nothing;
  FileCounts counts;
  for (const ManifestChange& change : compare(from ? *from : nothing, to)) {
    if (!change.to) {
      ++counts.removed;
      add_listed(files.removed, *change.from, files);
      continue;
    }
    counts.bytes += change.to->size;
    ++(change.from ? counts.changed : counts.added);
    add_listed(change.from ? files.changed : files.added, *change.to, files);
  }
  return counts;
}

void count_repair(PlanRow& row, const RoleReport& report, const Manifest* manifest) {
  for (const DriftEntry& drift : report.drift) {
    ++(drift.kind == "removed" ? row.files_added : row.files_changed);
    const ManifestEntry* entry = manifest ? manifest->find(drift.path) : nullptr;
    if (entry) row.bytes += entry->size;
  }
  if (report.drift_count > report.drift.size()) {
    row.files_changed += report.drift_count - report.drift.size();
  }
}

// What the row starts from: the node's release, or the tree that the task adopts first.
struct Start {
  bool adopts = false;
  std::uint64_t differing = 0;  // files that are not as in `from`
};

std::string change_of(const PlanRow& row, const Start& start) {
  if (row.from.content_id.empty()) return "content";
  const bool content = row.from.content_id != row.to.content_id;
  const bool settings = row.from.role_revision != row.to.role_revision;
  if (content) return settings ? "both" : "content";
  if (settings) return "settings";
  if (start.differing > 0) return "repair";
  return start.adopts ? "adopt" : "none";
}

void decide_restart(PlanRow& row, const Role& role, const PlanInput& input) {
  // An agent that is updated always goes on as the new one: an old one beside new files would not
  // know its own plugins any more.
  const bool agent = role.self == SelfUpdate::agent;
  const bool has_service =
      agent || !role.systemd_service.empty() || role.restart_strategy != input.serviceless_strategy;
  const std::string& policy = input.options.restart;
  if (!has_service) {
    row.restart_reason = "no_service";
  } else if (policy == "never" && !agent) {
    row.restart_reason = "never_requested";
  } else if (policy == "always") {
    row.restart = true;
    row.restart_reason = "requested";
  } else if (row.change == "none" || row.change == "adopt") {
    row.restart_reason = "no_change";
  } else if (role.auto_restart == AutoRestart::no && !agent) {
    row.restart_reason = "auto_restart_off";
  } else {
    row.restart = true;
    row.restart_reason = row.change == "settings" ? "settings_changed"
                         : row.change == "repair" ? "repair"
                                                  : "content_changed";
  }
  row.gate = !row.restart                      ? "none"
             : !role.health_check_path.empty() ? "http"
             : role.health_check_port          ? "port"
                                               : "process";
}

// What surrounds a restart runs only when there is one.
void list_commands(PlanRow& row, const Role& role) {
  if (!row.acts()) return;
  const bool restarts = row.restart || (role.switch_mode == SwitchMode::stopped &&
                                        row.restart_reason != "no_service");
  for (const NamedCommand& each : commands_of(role)) {
    const bool around_restart =
        each.command == &role.drain_cmd || each.command == &role.undrain_cmd;
    if (restarts || !around_restart) row.commands.emplace_back(each.field);
  }
}

void warn(PlanRow& row, std::string reason, std::string message, std::string hint) {
  row.blockers.push_back({std::move(reason), std::move(message), std::move(hint), false});
}

void block(PlanRow& row, std::string reason, std::string message, std::string hint) {
  row.blockers.push_back({std::move(reason), std::move(message), std::move(hint), true});
}

bool is_broken_state(const RoleReport& report) {
  return report.error_reason.starts_with("state_");
}

// Something is there that no record tells about.
void check_target(PlanRow& row, const Role& role, const RoleReport* report,
                  const IdentifiedTree* identified, const Start& start) {
  if (!report || report->installed() || start.adopts) return;
  const bool broken = is_broken_state(*report);
  if (!broken && !report->path_exists) return;
  const std::string identify = "rolesync node identify " + row.node + " --role " + role.name;
  const std::string hint =
      (identified ? identified->summary + ". " : identify + " says what it is. ") +
      "Then plan again with first_install adopt (what that commit has and the new one has not is "
      "removed, edited files are saved) or overlay (our files are put over what is there)";
  if (row.first_install == "adopt" && (broken || !report->target_empty.value_or(false))) {
    return block(row, "not_identified",
                 "what is in " + role.target_path + " on " + row.node + " was not identified yet",
                 identify + ", then plan again");
  }
  if (broken && (row.first_install != "overlay" || report->error_reason != "state_missing")) {
    return block(row, report->error_reason, row.node + ": " + report->error, hint);
  }
  if (row.first_install == "overlay") return;
  if (report->target_empty && !*report->target_empty) {
    block(row, "target_not_empty",
          role.target_path + " on " + row.node + " has files that rolesync did not put there",
          hint);
  } else if (!report->target_empty) {
    warn(row, "target_exists",
         role.target_path + " exists on " + row.node + "; staging refuses if it holds other files",
         hint);
  }
}

void check_drift(PlanRow& row, const Role& role, const Start& start) {
  if (start.differing == 0) return;
  const std::string count =
      std::to_string(start.differing) + " managed files differ on " + row.node;
  if (role.on_drift == OnDrift::refuse) {
    block(row, "drift_refused", count + " and the role says on_drift refuse",
          "restore the files, or change on_drift to replace");
  } else {
    warn(row, "drift_replaced", count + "; they are saved and replaced", "");
  }
}

void check_plugins(PlanRow& row, const Role& role, const PlannedNode& node,
                   const PlanInput& input) {
  const std::vector<std::pair<std::string, std::string>> needed = {
      {"deployer", role.deployer},
      {"detector", role.detector},
      {"restart_strategy", role.restart_strategy}};
  for (const auto& plugin : needed) {
    if (plugin.second.empty()) continue;
    const std::string what = plugin.first + " " + plugin.second;
    if (node.plugins && !node.plugins->contains(plugin)) {
      block(row, "plugin_missing_on_node", "node " + row.node + " has no usable " + what,
            "copy the plugin into a plugin directory of that node");
    }
  }
  if (!role.deployer.empty() && !input.server_plugins.contains({"deployer", role.deployer})) {
    block(row, "plugin_missing", "this server has no usable deployer " + role.deployer,
          "copy the plugin into a plugin directory of the server");
  }
}

void check_neighbours(PlanRow& row, const Role& role, const PlanInput& input) {
  const auto it = input.effective.find(row.node);
  if (it == input.effective.end()) return;
  for (const std::string& other : it->second) {
    const auto neighbour = input.roles.find(other);
    if (other == row.role || neighbour == input.roles.end()) continue;
    if (const auto path = ownership_overlap(role, neighbour->second.role)) {
      block(row, "ownership_overlap",
            "the roles " + row.role + " and " + other + " would both own " + *path + " on " +
                row.node,
            "give one of them another target_path or source_paths, or another node");
    }
  }
}

void check_row(PlanRow& row, const PlannedRole& planned, const PlannedNode& node,
               const RoleReport* report, const Start& start, const PlanInput& input) {
  const Role& role = planned.role;
  const auto identified = node.identified.find(role.name);
  if (planned.to.content_id.empty()) {
    block(row, planned.to.reason, planned.to.message, "pull the code source");
  }
  if (role.activation == Activation::swap) {
    block(row, "activation_unsupported", "activation swap is not available in this version",
          "use activation in_place");
  }
  check_neighbours(row, role, input);
  check_plugins(row, role, node, input);
  check_target(row, role, report,
               identified == node.identified.end() ? nullptr : &identified->second, start);
  check_drift(row, role, start);
  if (node.revoked) {
    block(row, "node_revoked", "node " + row.node + " was revoked",
          "join it again with a new token, or remove it");
  } else if (node.drained) {
    block(row, "node_drained", "node " + row.node + " is drained: " + *node.drained,
          "rolesync node undrain " + row.node);
  } else if (!node.online) {
    warn(row, "node_offline", "node " + row.node + " is not connected",
         "its task fails unless it comes back in time");
  }
}

// Where the row starts from; fills `row.from`.
Start start_of(PlanRow& row, const PlannedNode& node, const RoleReport* report) {
  if (report && report->installed()) {
    row.from = {report->commit, report->content_id, report->role_revision};
    return {false, report->drift_count};
  }
  const auto identified = node.identified.find(row.role);
  if (row.first_install != "adopt" || identified == node.identified.end()) return {};
  row.from = identified->second.base;
  return {true, identified->second.differing};
}

PlanRow make_row(const PlannedRole& planned, const PlannedNode& node, const PlanInput& input,
                 std::map<std::string, FileList>& lists) {
  const auto found = node.reports.find(planned.role.name);
  const RoleReport* report = found == node.reports.end() ? nullptr : &found->second;

  PlanRow row;
  row.node = node.id;
  row.role = planned.role.name;
  // What carries out the work of a node is replaced when all other work is done.
  row.order =
      planned.role.self == SelfUpdate::none ? planned.role.order : std::numeric_limits<int>::max();
  row.first_install = input.options.first_install;
  row.to = {planned.to.commit, planned.to.content_id, planned.revision};
  const Start start = start_of(row, node, report);
  row.change = row.to.content_id.empty() ? "none" : change_of(row, start);
  decide_restart(row, planned.role, input);
  list_commands(row, planned.role);
  check_row(row, planned, node, report, start, input);

  const Manifest* to = known_manifest(input, row.to.content_id);
  if (row.change == "repair" && start.adopts) {
    row.files_changed = start.differing;
  } else if (row.change == "repair") {
    count_repair(row, *report, to);
  } else if (to && row.from.content_id != row.to.content_id) {
    const Manifest* from = known_manifest(input, row.from.content_id);
    FileList files{row.role, row.from.content_id, row.to.content_id, {}, {}, {}, false};
    const FileCounts counts = count_files(from, *to, files);
    row.files_added = counts.added;
    row.files_changed = counts.changed;
    row.files_removed = counts.removed;
    row.bytes = counts.bytes;
    lists.try_emplace(row.role + " " + row.from.content_id, std::move(files));
  }
  return row;
}

}  // namespace

const Blocker* PlanRow::stopper() const {
  for (const Blocker& blocker : blockers) {
    if (blocker.stops) return &blocker;
  }
  return nullptr;
}

Plan make_plan(const PlanInput& input) {
  Plan plan;
  std::map<std::string, FileList> lists;
  for (const PlannedNode& node : input.nodes) {
    for (const std::string& name : node.roles) {
      const auto planned = input.roles.find(name);
      if (planned == input.roles.end() || planned->second.role.target_path.empty()) continue;
      plan.rows.push_back(make_row(planned->second, node, input, lists));
    }
  }
  std::sort(plan.rows.begin(), plan.rows.end(), [](const PlanRow& a, const PlanRow& b) {
    return std::tie(a.order, a.role, a.node) < std::tie(b.order, b.role, b.node);
  });
  for (auto& [key, list] : lists) plan.files.push_back(std::move(list));
  plan.hash = plan_hash(plan.rows);
  return plan;
}

}  // namespace rolesync::domain
