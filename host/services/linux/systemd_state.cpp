// SPDX-License-Identifier: Apache-2.0
#include "host/services/linux/systemd_state.hpp"

#include <signal.h>

#include <cstring>
#include <utility>

namespace rolesync::systemd {
namespace {

// The active socket, timer or path unit that would start this one.
std::string active_trigger(sd_bus* bus, const char* path) {
  for (const std::string& trigger : texts(bus, path, kUnit, "TriggeredBy")) {
    const std::string of_trigger = unit_path(trigger);
    if (text(bus, of_trigger.c_str(), kUnit, "ActiveState") == "active") return trigger;
  }
  return "";
}

// How the main process ended, in words: its status, or the signal that killed it.
std::string how_it_ended(sd_bus* bus, const char* path) {
  const auto code = number(bus, path, kService, "ExecMainCode");
  const auto status = number(bus, path, kService, "ExecMainStatus");
  if (!code || !status || *code == 0) return "";
  if (*code != CLD_EXITED) {
    const char* name = ::sigabbrev_np(*status);
    return std::string(*code == CLD_DUMPED ? "dumped core on " : "killed by ") +
           (name ? std::string("SIG") + name : "signal " + std::to_string(*status));
  }
  std::string words = "exit status " + std::to_string(*status);
  static constexpr std::pair<int, const char*> kOfSystemd[] = {
      {200, "its WorkingDirectory= cannot be entered"},
      {203, "its program is missing or not executable"},
      {208, "its standard input cannot be prepared"},
      {209, "its output cannot be prepared"},
      {216, "its Group= is not known"},
      {217, "its User= is not known"},
      {226, "its namespaces cannot be set up"}};
  for (const auto& [known, meaning] : kOfSystemd) {
    if (*status == known) words += std::string(", ") + meaning;
  }
  return words;
}

// The first condition that was not met when the unit was to be started last.
std::string unmet_condition(sd_bus* bus, const char* path) {
  if (!timestamp(bus, path, kUnit, "ConditionTimestamp") ||
      flag(bus, path, kUnit, "ConditionResult")) {
    return "";
  }
  std::string unmet = "a condition";
  sd_bus_message* raw = nullptr;
  if (sd_bus_get_property(bus, kDestination, path, kUnit, "Conditions", nullptr, &raw, "a(sbbsi)") <
      0) {
    return unmet;
  }
  Message reply(raw);
  const char *kind = nullptr, *parameter = nullptr;
  int trigger = 0, negated = 0;
  std::int32_t result = 0;
  if (sd_bus_message_enter_container(raw, 'a', "(sbbsi)") < 0) return unmet;
  while (sd_bus_message_read(raw, "(sbbsi)", &kind, &trigger, &negated, &parameter, &result) > 0) {
    if (result >= 0) continue;
    return std::string(kind) + "=" + (trigger ? "|" : "") + (negated ? "!" : "") + parameter;
  }
  return unmet;
}

// Every time of systemd has a second property, on the clock that never jumps.
void take_start(sd_bus* bus, const char* path, const char* interface, const std::string& property,
                UnitStatus& status) {
  status.started_at = timestamp(bus, path, interface, property.c_str());
  status.started_since_boot = timestamp(bus, path, interface, (property + "Monotonic").c_str());
}

// What is worth knowing of a unit that does not run.
void add_idle_details(sd_bus* bus, const char* path, UnitStatus& status) {
  status.result = text(bus, path, kService, "Result");
  status.type = text(bus, path, kService, "Type");
  status.ended = how_it_ended(bus, path);
  if (status.active_state != "inactive") return;
  status.triggered_by = active_trigger(bus, path);
  status.condition = unmet_condition(bus, path);
  // It has run to its end, as it should; one that was to remain was stopped.
  if (status.type == "oneshot" && !flag(bus, path, kService, "RemainAfterExit")) {
    take_start(bus, path, kService, "ExecMainStartTimestamp", status);
  }
}

// What ListUnitsByNames does not say.
void add_details(sd_bus* bus, const char* path, UnitStatus& status) {
  if (status.load_state != "loaded") return;
  if (status.active_state == "active" || status.active_state == "reloading") {
    take_start(bus, path, kService, "ExecMainStartTimestamp", status);
    if (!status.started_at) take_start(bus, path, kUnit, "ActiveEnterTimestamp", status);
    status.result = "success";
  } else {
    add_idle_details(bus, path, status);
  }
  if (status.active_state != "inactive") {
    sd_bus_get_property_trivial(bus, kDestination, path, kService, "NRestarts", nullptr, 'u',
                                &status.restarts);
  }
}

// Reads the reply of ListUnitsByNames, a(ssssssouso), keyed by full unit name.
int read_units(sd_bus* bus, sd_bus_message* reply, std::map<std::string, UnitStatus>& found) {
  int code = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
  if (code < 0) return code;
  for (;;) {
    const char *name, *description, *load, *active, *sub, *following, *path, *job_type, *job_path;
    std::uint32_t job = 0;
    code = sd_bus_message_read(reply, "(ssssssouso)", &name, &description, &load, &active, &sub,
                               &following, &path, &job, &job_type, &job_path);
    if (code <= 0) return code;
    UnitStatus& status = found[name];
    status.load_state = load;
    status.active_state = active;
    status.sub_state = sub;
    add_details(bus, path, status);
  }
}

// In a pattern '\\' takes the meaning from what follows, and names may hold it.
std::string instances_pattern(const std::string& template_name) {
  std::string pattern;
  for (const char letter : template_name) {
    if (letter == '\\') pattern += '\\';
    pattern += letter;
    if (letter == '@') pattern += '*';
  }
  return pattern;
}

}  // namespace

int list_instances(sd_bus* bus, const std::string& template_name, std::vector<std::string>& names) {
  const std::string pattern = instances_pattern(template_name);
  sd_bus_message* answer = nullptr;
  int code = sd_bus_call_method(bus, kDestination, kManagerPath, kManager, "ListUnitsByPatterns",
                                nullptr, &answer, "asas", 0, 1, pattern.c_str());
  if (code < 0) return code;
  Message reply(answer);
  if ((code = sd_bus_message_enter_container(answer, 'a', "(ssssssouso)")) < 0) return code;
  for (;;) {
    const char *name, *description, *load, *active, *sub, *following, *path, *job_type, *job_path;
    std::uint32_t job = 0;
    code = sd_bus_message_read(answer, "(ssssssouso)", &name, &description, &load, &active, &sub,
                               &following, &path, &job, &job_type, &job_path);
    if (code <= 0) return code;
    if (std::strcmp(load, "not-found") != 0) names.emplace_back(name);
  }
}

int list_units(sd_bus* bus, const std::vector<std::string>& names,
               std::map<std::string, UnitStatus>& found) {
  sd_bus_message* raw = nullptr;
  int code = sd_bus_message_new_method_call(bus, &raw, kDestination, kManagerPath, kManager,
                                            "ListUnitsByNames");
  if (code < 0) return code;
  Message request(raw);
  std::vector<char*> list;
  list.reserve(names.size() + 1);
  for (const std::string& name : names) list.push_back(const_cast<char*>(name.c_str()));
  list.push_back(nullptr);
  if ((code = sd_bus_message_append_strv(request.get(), list.data())) < 0) return code;
  sd_bus_message* answer = nullptr;
  if ((code = sd_bus_call(bus, request.get(), kCallLimitUs, nullptr, &answer)) < 0) return code;
  Message reply(answer);
  return read_units(bus, reply.get(), found);
}

}  // namespace rolesync::systemd
