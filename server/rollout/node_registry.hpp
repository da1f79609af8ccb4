// SPDX-License-Identifier: Apache-2.0
// The nodes as the server knows them now: who is there, what each last reported, which roles were
// assigned. In memory, loaded from the store at start; readers get immutable snapshots. Any thread.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/values/packed_text.hpp"
#include "server/domain/node_roles.hpp"
#include "server/domain/plan.hpp"
#include "server/domain/report.hpp"
#include "server/rollout/heartbeat_body.hpp"
#include "server/store/nodes.hpp"
#include "server/store/store.hpp"

namespace rolesync::rollout {

// What counts of the plugins a node has. Nodes with the same share it.
struct NodePlugins {
  struct Each {
    std::string name, version, state;
    std::uint64_t faults = 0;
    bool operator==(const Each&) const = default;
  };
  domain::PluginSet usable;
  std::vector<Each> all;
};

// The parts of a heartbeat that may be replaced by their hash; JSON texts.
struct NodeParts {
  std::map<std::string, PackedText> packed;  // part -> compact JSON
  std::map<std::string, std::string> hash;   // part -> sha256, of this boot only
  std::map<std::string, domain::RoleReport> reports;
  std::shared_ptr<const NodePlugins> plugins;  // null: it has not said

  std::string text(const std::string& part) const;  // "" when it is not known
};

// A second machine that speaks with the identity of a node, and is refused.
struct Clone {
  std::string boot_id, hostname, peer;
  Millis first_seen = 0, last_seen = 0;
};

// By what a node is known, and whether it still is.
struct NodeIdentity {
  Millis credential_at = 0;                     // since when the credential is in use
  std::optional<Millis> rotation_requested_at;  // until the new one is in use
  std::optional<Millis> pending_at;             // another was made, and waits to be used
  std::optional<Millis> revoked_at;
  std::string revoked_reason;  // as given by whoever revoked it
  std::optional<Clone> clone;
};

struct NodeView {
  std::string id, boot_id, agent_version, hostname;
  std::optional<Millis> last_seen;
  Millis joined_at = 0;
  std::string presence = "offline";  // online, late, offline, revoked
  // Since when it is left out of plans, and why.
  std::optional<Millis> drained_at;
  std::string drained_reason;
  std::map<std::string, std::string> labels;
  NodeIdentity identity;
  std::optional<double> cpu_percent, memory_percent, disk_percent;
  domain::Assigned assigned;
  std::int64_t assignment_version = 0;
  std::shared_ptr<const NodeParts> parts = std::make_shared<NodeParts>();
};
using NodePointer = std::shared_ptr<const NodeView>;

struct PresenceLimits {
  Millis late = 45'000;      // not heard of for longer than this
  Millis offline = 120'000;  // the same
};

class NodeRegistry {
 public:
  explicit NodeRegistry(PresenceLimits limits) : limits_(limits) {}

  Status load(store::Store& store);
  void put(const store::Node& node, std::set<std::string> assigned);
  void remove(const std::string& node);
  // As another server has written it. What the node reports is taken too, unless it speaks here.
  void follow(const store::Node& node, std::set<std::string> assigned,
              std::optional<Millis> pending_at, bool speaks_here);
  // Another server has heard of the node.
  void follow_last_seen(const std::string& node, Millis at);
  void label(const std::string& node, std::map<std::string, std::string> labels);
  void drain(const std::string& node, std::optional<Millis> at, std::string reason);
  void assign(const std::string& node, std::set<std::string> roles, std::int64_t version);

  NodePointer find(const std::string& node) const;  // nullptr: unknown
  std::vector<NodePointer> all() const;             // by id
  std::optional<Millis> last_seen(const std::string& node) const;
  // By the last report, the health check of the role's service fails there.
  bool is_failing(const std::string& node, const std::string& role) const;

  struct Absorbed {
    NodePointer before, after;
    std::vector<std::string> resend;   // parts whose hash we do not know
    std::vector<std::string> changed;  // parts that differ from before, verified_at apart
  };
  // Takes a heartbeat in. `after` is null when the node is not known (any more) or revoked.
  Absorbed absorb(const std::string& node, Heartbeat heartbeat, Millis now);
  void touch(const std::string& node, Millis now);
  // Nothing when the node is not known.
  void change_identity(const std::string& node, const std::function<void(NodeIdentity&)>& change);
  // A task ended with this release; the node's own report follows with its next heartbeat. A
  // heartbeat that was under way meanwhile still carries the release before: it is not believed.
  void set_release(const std::string& node, const std::string& role,
                   const domain::RoleReport& report, Millis now);

  // Nodes whose presence has changed since the last call, with their new views.
  std::vector<NodePointer> update_presence(Millis now);

 private:
  struct Superseded {
    domain::RoleReport report;  // what a late heartbeat may still say
    Millis until = 0;
  };
  std::string_view presence(const NodeView& node, Millis now) const;
  std::shared_ptr<const NodePlugins> shared(NodePlugins plugins);
  void interpret(NodeParts& parts, const std::string& part, const std::string& text);
  void keep_what_is_newer(const std::string& node, const NodeParts& before, NodeParts& parts,
                          Millis now);

  const PresenceLimits limits_;
  mutable std::mutex mutex_;
  std::map<std::string, NodePointer> nodes_;
  std::map<std::pair<std::string, std::string>, Superseded> superseded_;  // (node, role)
  std::map<std::string, std::weak_ptr<const NodePlugins>> plugins_;       // by what they are
};

}  // namespace rolesync::rollout
