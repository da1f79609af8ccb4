// SPDX-License-Identifier: Apache-2.0
// RS7xx: what a role says.
#include <nlohmann/json.hpp>
#include <set>

#include "host/plugin_check/calls.hpp"
#include "host/plugin_check/families.hpp"
#include "host/role/role.hpp"

namespace rolesync::plugin_check {
namespace {

using Mood = StandInHost::Mood;
using Look = std::function<std::string(const plugin::Provided&, const Json&, LiveInstance&)>;

Outcome each_role(Subject& subject, const Look& look) {
  bool any = false;
  Outcome outcome =
      with_each(subject, Mood::willing,
                [&](const plugin::Provided& provided, LiveInstance& instance, StandInHost&) {
                  if (provided.kind != "role") return passed();
                  any = true;
                  const Answer answer = instance.call("spec", "{}");
                  const auto spec = parse_json(answer.text);
                  if (answer.status != RS_OK || !spec)
                    return failed(named(provided) + ": spec fails");
                  const std::string fault = look(provided, *spec, instance);
                  return fault.empty() ? passed() : failed(named(provided) + ": " + fault);
                });
  if (outcome.state == Outcome::State::passed && !any) return skipped("it provides no role");
  return outcome;
}

Outcome valid(Subject& subject) {
  return each_role(subject, [](const plugin::Provided& provided, const Json& spec, LiveInstance&) {
    const auto role = role_from_json(spec);
    if (!role) return role.error().message;
    if (role->name != provided.id) return "its role_name is " + role->name;
    return std::string();
  });
}

Outcome stable(Subject& subject) {
  return each_role(subject, [](const plugin::Provided&, const Json& spec, LiveInstance& instance) {
    for (int i = 0; i < 20; ++i) {
      const auto again = parse_json(instance.call("spec", "{}").text);
      if (!again || *again != spec) return "a later spec differs from the first";
    }
    return "";
  });
}

// Replacing the files of such a directory would break the machine.
bool belongs_to_the_system(std::string target) {
  static const std::set<std::string> directories = {
      "/bin",      "/boot",        "/dev",
      "/etc",      "/home",        "/lib",
      "/lib64",    "/opt",         "/proc",
      "/root",     "/run",         "/sbin",
      "/srv",      "/sys",         "/tmp",
      "/usr",      "/var",         "/usr/bin",
      "/usr/lib",  "/usr/local",   "/usr/local/bin",
      "/usr/sbin", "/usr/share",   "/var/lib",
      "/var/log",  "/etc/systemd", "/etc/systemd/system"};
  while (target.size() > 1 && target.back() == '/') target.pop_back();
  if (directories.count(target)) return true;
  for (const char* root : {"/dev/", "/proc/", "/sys/", "/boot/"}) {
    if (target.starts_with(root)) return true;
  }
  return false;
}

std::string oddity(const Role& role) {
  if (belongs_to_the_system(role.target_path))
    return "its target " + role.target_path + " is a directory of the system itself";
  if (role.auto_restart == AutoRestart::yes && role.systemd_service.empty() &&
      role.restart_strategy.empty())
    return "it is to be restarted, but names neither a service nor a restart strategy";
  if (!role.health_check_path.empty() && !role.health_check_port)
    return "it has a health path, but no port to ask";
  if (!role.carry.empty() && role.activation != Activation::swap)
    return "it carries directories, which means something with swap() only";
  return "";
}

Outcome sane(Subject& subject) {
  return each_role(subject, [](const plugin::Provided&, const Json& spec, LiveInstance&) {
    const auto role = role_from_json(spec);
    return role ? oddity(*role) : std::string();  // RS701 says what is wrong
  });
}

}  // namespace

std::vector<Check> role_checks() {
  return {
      {"RS701", "its role is valid", "a server refuses the role and shows why",
       "mend the field; docs/plugins/role.md lists them", &valid},
      {"RS702", "its role is always the same",
       "each difference is a new role revision: every node would be outdated again and again",
       "set constants; what differs between installations is set on the server", &stable},
      {"RS703", "its role makes sense",
       "it is valid, but would not do what was meant, or harm the machine",
       "see docs/plugins/role.md", &sane},
  };
}

}  // namespace rolesync::plugin_check
