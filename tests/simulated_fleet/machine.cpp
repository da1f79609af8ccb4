// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/values/hash.hpp"

namespace rolesync::simulated {
namespace {

struct Packaged {
  const char *name, *kind;
};
constexpr Packaged packaged[] = {{"path_service_port", "detector"},
                                 {"rsync_component", "deployer"},
                                 {"systemd", "restart_strategy"},
                                 {"process", "restart_strategy"},
                                 {"command", "restart_strategy"},
                                 {"none", "restart_strategy"},
                                 {"backend", "role"},
                                 {"frontend", "role"},
                                 {"slm-server", "role"},
                                 {"slm-agent", "role"},
                                 {"npu-worker", "role"},
                                 {"browser-svc", "role"},
                                 {"code-source", "role"}};

Json plugin(const std::string& name, const std::string& kind, std::uint64_t calls) {
  return {{"name", name},
          {"version", "1.0.0"},
          {"sha256", sha256_hex(name)},
          {"path", "/usr/lib/rolesync/plugins/" + name + ".so"},
          {"abi", "1.0"},
          {"state", "ready"},
          {"reason", ""},
          {"detail", ""},
          {"isolated", false},
          {"calls", calls},
          {"faults", 0},
          {"last_fault", nullptr},
          {"provides",
           {{{"kind", kind},
             {"id", name},
             {"summary", "The " + kind + " " + name},
             {"needs", Json::array()},
             {"parallel", true},
             {"options", Json::object()},
             {"timeouts", Json::object()}}}}};
}

std::string plugins_text(Dice& dice, bool quarantined) {
  Json list = Json::array();
  for (const Packaged& each : packaged) {
    list.push_back(plugin(each.name, each.kind, dice.below(5'000)));
  }
  if (quarantined) {
    Json bad = plugin("acme_probe", "detector", 3);
    bad.update({{"state", "quarantined"}, {"reason", "plugin_crashed"}, {"faults", 3}});
    list.push_back(std::move(bad));
  }
  return to_text(list);
}

Json port(int number, const std::string& process, std::uint64_t pid) {
  return {{"port", number}, {"address", "0.0.0.0"}, {"process", process}, {"pid", pid}};
}

}  // namespace

std::uint64_t Dice::next() {  // splitmix64
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

int Dice::about(int value) {
  return value <= 0 ? 0
                    : value / 2 + static_cast<int>(below(static_cast<std::uint64_t>(value) + 1));
}

const RoleFacts* Definitions::find(const std::string& role) const {
  const auto it = std::find_if(roles.begin(), roles.end(),
                               [&](const RoleFacts& each) { return each.name == role; });
  return it == roles.end() ? nullptr : &*it;
}

Result<std::shared_ptr<const Definitions>> read_definitions(const std::string& text) {
  const auto json = parse_json(text, {16 << 20, 64});
  if (!json) return json.error();
  auto read = std::make_shared<Definitions>();
  read->etag = json->value("etag", "");
  for (const Json& role : json->value("roles", Json::array())) {
    RoleFacts facts;
    facts.name = role.value("role_name", "");
    const Json service = role.value("systemd_service", Json());
    facts.has_service = service.is_string() && !service.get<std::string>().empty();
    const Json number = role.value("health_check_port", Json());
    if (number.is_number_integer()) facts.port = number.get<int>();
    read->roles.push_back(std::move(facts));
  }
  return std::shared_ptr<const Definitions>(std::move(read));
}

Machine::Machine(std::string node, Dice dice, bool drifting, bool quarantined)
    : dice_(dice), drifting_(drifting), pid_(300 + dice_.below(30'000)) {
  plugins_ = plugins_text(dice_, quarantined);
  os_info_ = to_text({{"system", "Linux"},
                      {"release", "6.1.0-18-amd64"},
                      {"architecture", "x86_64"},
                      {"hostname", std::move(node)},
                      {"distribution", "Debian GNU/Linux 12 (bookworm)"}});
}

std::map<std::string, std::string> Machine::parts(const Definitions* definitions) {
  if (reported_ != definitions || report_.empty()) {
    report_ = definitions ? role_report(*definitions) : "{}";
    ports_ = ports(definitions);
    reported_ = definitions;
  }
  return {{"role_report", report_},
          {"listening_ports", ports_},
          {"plugins", plugins_},
          {"os_info", os_info_}};
}

Json Machine::figures() {
  const auto tenths = [&](std::uint64_t from, std::uint64_t range) {
    return static_cast<double>(from + dice_.below(range)) / 10;
  };
  return {{"cpu_percent", tenths(5, 300)},
          {"memory_percent", tenths(200, 300)},
          {"disk_percent", 41.5}};
}

void Machine::put(const std::string& role, Release release) {
  disk_[role] = std::move(release);
  report_.clear();
}

void Machine::remove(const std::string& role) {
  disk_.erase(role);
  report_.clear();
}

const Release* Machine::find(const std::string& role) const {
  const auto it = disk_.find(role);
  return it == disk_.end() ? nullptr : &it->second;
}

// With the fields, and nearly the words, of a real agent (host/agent/role_report.cpp).
std::string Machine::role_report(const Definitions& definitions) const {
  Json report = Json::object();
  for (const RoleFacts& role : definitions.roles) {
    const Release* release = find(role.name);
    Json entry = {{"path_exists", release != nullptr},
                  {"service_running", nullptr},
                  {"ports", Json::array()},
                  {"state", release ? "active" : "not_installed"},
                  {"health", release ? "healthy" : "unknown"},
                  {"reason", release ? "" : "path_missing"},
                  {"detail", ""},
                  {"evidence", {{"path", release != nullptr}}},
                  {"running", release ? "current" : "unknown"},
                  {"restart_pending", false},
                  {"error", ""},
                  {"version", nullptr},
                  {"content_id", nullptr},
                  {"role_revision", nullptr},
                  {"verified_at", nullptr},
                  {"drift", Json::array()},
                  {"drift_count", 0}};
    if (role.has_service) entry["service_running"] = release != nullptr;
    if (!release) {
      entry["target_empty"] = true;
    } else {
      entry.update({{"version", release->commit},
                    {"content_id", release->content_id},
                    {"role_revision", release->role_revision},
                    {"verified_at", release->verified_at}});
      if (role.port) entry["ports"] = {*role.port};
      if (drifting_) {
        entry["drift"] = {{{"path", "settings.py"}, {"kind", "changed"}}};
        entry["drift_count"] = 1;
      }
    }
    report[role.name] = std::move(entry);
  }
  return to_text(report);
}

std::string Machine::ports(const Definitions* definitions) const {
  Json list = Json::array({port(22, "sshd", pid_), port(25, "exim4", pid_ + 61),
                           port(80, "nginx", pid_ + 80), port(443, "nginx", pid_ + 80),
                           port(5432, "postgres", pid_ + 97), port(6379, "redis-server", pid_ + 99),
                           port(9100, "prometheus-node", pid_ + 104)});
  for (const auto& [role, release] : disk_) {
    const RoleFacts* facts = definitions ? definitions->find(role) : nullptr;
    if (facts && facts->port) list.push_back(port(*facts->port, role, pid_ + 900 + list.size()));
  }
  return to_text(list);
}

}  // namespace rolesync::simulated
