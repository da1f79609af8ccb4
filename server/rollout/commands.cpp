// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/commands.hpp"

#include <algorithm>
#include <set>

#include "server/rollout/wall_clock.hpp"

namespace rolesync::rollout {

// An agent that does not acknowledge must not turn its long poll into a busy loop.
constexpr int prompt_offers = 3;

Status Commands::load() {
  auto commands = store_.read([](store::Session& s) { return store::open_commands(s); });
  if (!commands) return commands.error();
  const std::lock_guard lock(mutex_);
  for (auto& command : *commands) {
    auto& open = open_[command.node];
    open.push_back({std::move(command), 0});
  }
  return {};
}

Status Commands::read_again(const std::string& node) {
  auto records = store_.read([&](store::Session& s) { return store::open_commands_of(s, node); });
  if (!records) return records.error();
  replace(node, std::move(*records));
  return {};
}

Status Commands::read_again() {
  auto records = store_.read([](store::Session& s) { return store::open_commands(s); });
  if (!records) return records.error();
  std::map<std::string, std::vector<store::CommandRecord>> by_node;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [node, open] : open_) by_node[node];
  }
  for (auto& record : *records) by_node[record.node].push_back(std::move(record));
  for (auto& [node, open] : by_node) replace(node, std::move(open));
  return {};
}

// Those known already keep the number of their offers.
void Commands::replace(const std::string& node, std::vector<store::CommandRecord> records) {
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    std::map<std::string, int> offers;
    for (const Open& known : open_[node]) offers[known.record.id] = known.offers;
    std::vector<Open> open;
    for (auto& record : records) {
      const auto known = offers.find(record.id);
      news = news || known == offers.end();
      open.push_back({std::move(record), known == offers.end() ? 0 : known->second});
    }
    open_[node] = std::move(open);
  }
  if (news && wake_) wake_(node);
}

void Commands::announce(const std::vector<store::CommandRecord>& commands) {
  std::set<std::string> nodes;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& command : commands) {
      nodes.insert(command.node);
      auto& open = open_[command.node];
      const bool known = std::any_of(open.begin(), open.end(), [&](const Open& entry) {
        return entry.record.id == command.id;  // read from the table meanwhile
      });
      if (!known) open.push_back({command, 0});
    }
  }
  if (!wake_) return;
  for (const std::string& node : nodes) wake_(node);
}

Status Commands::give(store::CommandRecord command) {
  command.created_at = now_millis();
  Status written = store_.write([&](store::Session& s) { return store::add_command(s, command); });
  if (!written) return written;
  announce({command});
  return {};
}

void Commands::forget_task(const std::string& task_id) {
  const std::lock_guard lock(mutex_);
  for (auto& [node, open] : open_) {
    std::erase_if(open, [&](const Open& entry) { return entry.record.task_id == task_id; });
  }
}

void Commands::forget_node(const std::string& node) {
  const std::lock_guard lock(mutex_);
  open_.erase(node);
}

Commands::Offered Commands::offer(const std::string& node) {
  const std::lock_guard lock(mutex_);
  Offered offered;
  const auto it = open_.find(node);
  if (it == open_.end() || it->second.empty()) return offered;
  offered.insisting = true;
  for (Open& entry : it->second) {
    if (waits(node, entry)) continue;
    if (++entry.offers <= prompt_offers) offered.insisting = false;
    offered.commands.push_back(entry.record);
  }
  return offered;
}

bool Commands::idle(const std::string& node) {
  const std::lock_guard lock(mutex_);
  const auto it = open_.find(node);
  return it == open_.end() ||
         std::all_of(it->second.begin(), it->second.end(),
                     [&](const Open& entry) { return entry.offers > 0 || waits(node, entry); });
}

void Commands::hold(const std::string& node, bool held) {
  {
    const std::lock_guard lock(mutex_);
    if (!held) {
      held_.erase(node);
    } else {
      held_.insert(node);
    }
  }
  if (!held && wake_) wake_(node);
}

// What an agent was offered already it may have begun: that goes on.
bool Commands::waits(const std::string& node, const Open& entry) const {
  const std::string& kind = entry.record.kind;
  return entry.offers == 0 && held_.contains(node) &&
         (kind == "stage" || kind == "activate" || kind == "control");
}

bool Commands::is_open(const std::string& node, const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto it = open_.find(node);
  return it != open_.end() && std::any_of(it->second.begin(), it->second.end(),
                                          [&](const Open& entry) { return entry.record.id == id; });
}

Status Commands::acknowledge(const std::string& node, const std::vector<std::string>& ids) {
  std::vector<std::string> known;
  {
    const std::lock_guard lock(mutex_);
    for (const Open& entry : open_[node]) {
      if (std::find(ids.begin(), ids.end(), entry.record.id) != ids.end()) {
        known.push_back(entry.record.id);
      }
    }
  }
  if (known.empty()) return {};
  const auto written = store_.write(
      [&](store::Session& s) { return store::acknowledge_commands(s, node, known, now_millis()); });
  if (!written) return written.error();
  const std::lock_guard lock(mutex_);
  std::erase_if(open_[node], [&](const Open& entry) {
    return std::find(known.begin(), known.end(), entry.record.id) != known.end();
  });
  return {};
}

Status Commands::keep_boot(const std::string& node, const std::string& boot_id) {
  const auto other_boot = [&](const Open& entry) {
    return !entry.record.boot_id.empty() && entry.record.boot_id != boot_id;
  };
  {
    const std::lock_guard lock(mutex_);
    const auto& open = open_[node];
    if (std::none_of(open.begin(), open.end(), other_boot)) return {};
  }
  Status written = store_.write([&](store::Session& s) {
    return store::withdraw_commands_of_other_boots(s, node, boot_id, now_millis());
  });
  if (!written) return written;
  const std::lock_guard lock(mutex_);
  std::erase_if(open_[node], other_boot);
  return {};
}

}  // namespace rolesync::rollout
