// SPDX-License-Identifier: Apache-2.0
// RS4xx: instances and calls, as a host makes them.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "host/plugin/library.hpp"
#include "host/plugin/process_state.hpp"
#include "host/plugin_check/calls.hpp"
#include "host/plugin_check/families.hpp"
#include "host/plugin_check/own_stdout.hpp"

namespace rolesync::plugin_check {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using Mood = StandInHost::Mood;

constexpr seconds usual_limit{5};      // when the descriptor says nothing
constexpr seconds longest_limit{10};   // a host that says yes at once needs no patience
constexpr seconds cancelled_limit{2};  // as an isolated plugin has

// Makes every call of every instance; `look` may object to an answer.
template <class Look>
Outcome each_call(Subject& subject, Mood mood, Look look) {
  return with_each(
      subject, mood, [&](const plugin::Provided& provided, LiveInstance& instance, StandInHost&) {
        for (const Call& call : sample_calls(provided, subject.scratch())) {
          const auto begin = steady_clock::now();
          const Answer answer = instance.call(call.method, call.request);
          const std::string fault = look(provided, call, answer, steady_clock::now() - begin);
          if (!fault.empty()) return failed(named(provided, call.method) + ": " + fault);
        }
        return passed();
      });
}

Outcome creates(Subject& subject) {
  return with_each(subject, Mood::willing, [](const auto&, auto&, auto&) { return passed(); });
}

// Empty when it was refused as it should be.
std::string made_by_mistake(const rs_plugin& library, const StandInHost& host, const char* kind,
                            const char* id) {
  void* instance = nullptr;
  std::string text;
  const rs_sink sink = plugin::sink_into(text);
  const std::int32_t status = library.create(host.raw(), kind, id, "{}", 2, &instance, &sink);
  if (instance) library.destroy(instance);
  const std::string what = std::string(kind) + " " + id;
  if (status == RS_OK || instance) return "it makes a " + what;
  const std::string fault = form_fault({status, text});
  return fault.empty() ? "" : "asked for " + what + " it " + fault;
}

Outcome unknown_refused(Subject& subject) {
  const auto library = subject.library();
  const auto descriptor = subject.descriptor();
  if (!library || !descriptor) return failed("it cannot be loaded");
  const plugin::Provided& one = descriptor->provides.front();
  const StandInHost host(one);
  for (const auto& [kind, id] : {std::pair{"no-such-kind", one.id.c_str()},
                                 std::pair{one.kind.c_str(), "no-such-id"}, std::pair{"", ""}}) {
    const std::string fault = made_by_mistake(**library, host, kind, id);
    if (!fault.empty()) return failed(fault);
  }
  return passed();
}

Outcome unknown_method(Subject& subject) {
  return with_each(subject, Mood::willing,
                   [&](const plugin::Provided& provided, LiveInstance& instance, StandInHost&) {
                     const auto calls = sample_calls(provided, subject.scratch());
                     const Answer answer = instance.call("no-such-method", calls.front().request);
                     if (answer.status == RS_UNSUPPORTED && form_fault(answer).empty())
                       return passed();
                     return failed(named(provided) + ": an unknown method answers status " +
                                   std::to_string(answer.status) + " instead of " +
                                   std::to_string(RS_UNSUPPORTED) + " (unsupported)");
                   });
}

bool is_one_of(const Json& object, const char* field, std::initializer_list<const char*> words) {
  const auto found = object.find(field);
  return found != object.end() &&
         std::any_of(words.begin(), words.end(), [&](const char* word) { return *found == word; });
}

// What a successful answer of that kind must hold.
std::string shape_fault(const plugin::Provided& provided, const std::string& method,
                        const Json& answer) {
  if (!answer.is_object()) return "the answer is no object";
  if (provided.kind == "detector") {
    if (!is_one_of(answer, "state", {"active", "inactive", "not_installed", "unknown"}))
      return "/state is not active, inactive, not_installed or unknown";
    if (!is_one_of(answer, "health", {"healthy", "failing", "unknown"}))
      return "/health is not healthy, failing or unknown";
  }
  if (provided.kind == "restart_strategy" &&
      !is_one_of(answer, "state", {"running", "stopped", "failed", "unknown"})) {
    return "/state is not running, stopped, failed or unknown";
  }
  if (method == "fetch" && !(answer.contains("files") && answer["files"].is_number_unsigned()))
    return "/files is not a number";
  if (method == "spec" && !(answer.contains("role_name") && answer["role_name"].is_string()))
    return "/role_name is missing";
  return "";
}

Outcome answers(Subject& subject) {
  return each_call(subject, Mood::willing,
                   [](const plugin::Provided& provided, const Call& call, const Answer& answer,
                      auto) -> std::string {
                     if (auto fault = form_fault(answer); !fault.empty()) return fault;
                     if (answer.status == RS_UNSUPPORTED) return "the method is not supported";
                     if (answer.status != RS_OK) return "";
                     return shape_fault(provided, call.method, *parse_json(answer.text));
                   });
}

Outcome in_time(Subject& subject) {
  return each_call(subject, Mood::willing,
                   [](const plugin::Provided& provided, const Call& call, const Answer&,
                      steady_clock::duration took) -> std::string {
                     const auto said = provided.timeouts.find(call.method);
                     const seconds limit = said == provided.timeouts.end()
                                               ? usual_limit
                                               : std::min(seconds(said->second), longest_limit);
                     return took <= limit ? "" : "it takes longer than its time limit";
                   });
}

Outcome stops(Subject& subject) {
  for (const Mood mood : {Mood::cancelling, Mood::refusing}) {
    Outcome outcome = each_call(
        subject, mood, [](const auto&, const auto&, const Answer&, steady_clock::duration took) {
          return std::string(took <= cancelled_limit ? "" : "it goes on for more than 2 s");
        });
    if (outcome.state != Outcome::State::passed) return outcome;
  }
  return passed();
}

Outcome declares(Subject& subject) {
  return with_each(
      subject, Mood::willing,
      [&](const plugin::Provided& provided, LiveInstance& instance, StandInHost& host) {
        for (const Call& call : sample_calls(provided, subject.scratch()))
          instance.call(call.method, call.request);
        const auto undeclared = host.undeclared();
        if (undeclared.empty()) return passed();
        return failed(named(provided) + " calls " + *undeclared.begin() +
                      ", which is not in its needs");
      });
}

Outcome silent(Subject& subject) {
  const OwnStdout out;
  Outcome called = each_call(subject, Mood::willing,
                             [](const auto&, const auto&, const Answer&, auto) { return ""; });
  if (called.state != Outcome::State::passed) return called;
  const std::string printed = out.printed();
  return printed.empty() ? passed() : failed("it prints \"" + printed.substr(0, 60) + "\"");
}

Outcome leaves_process_alone(Subject& subject) {
  if (const auto library = subject.library(); !library) return failed(library.error().message);
  const auto before = plugin::ProcessState::now();
  Outcome called = each_call(subject, Mood::willing,
                             [](const auto&, const auto&, const Answer&, auto) { return ""; });
  if (called.state != Outcome::State::passed) return called;
  const std::string changed = before.difference(plugin::ProcessState::now());
  return changed.empty() ? passed() : failed("a call changes " + changed);
}

}  // namespace

std::vector<Check> call_checks() {
  return {
      {"RS401", "it makes an instance of everything it provides",
       "what cannot be made cannot be called", "do not fail in a constructor: ask in the calls",
       &creates, true},
      {"RS402", "it refuses kinds and ids it does not provide",
       "a host of another version may ask for them", "use the SDK's glue: ROLESYNC_PLUGIN",
       &unknown_refused},
      {"RS403", "it refuses methods it does not have",
       "a newer host asks and, told `unsupported`, does without",
       "throw Error(Code::unsupported, ...); the SDK's kinds do", &unknown_method},
      {"RS404", "its answers have the form of its kind",
       "what a host cannot read is a fault; three of them put the plugin into quarantine",
       "answer with the SDK's types; report failures as rolesync::Error with a reason and a "
       "sentence",
       &answers},
      {"RS405", "its calls end within their time limits",
       "an isolated plugin is ended at the limit, and heartbeats wait for detectors",
       "set .timeout(\"method\", seconds) to what it may take; wait less", &in_time, false,
       seconds(30)},
      {"RS406", "its calls end when the host cancels or refuses",
       "a cancelled job must not keep a node busy",
       "let rolesync::Error out of your call; in loops look at host().cancelled()", &stops, false,
       seconds(30)},
      {"RS407", "it asks only for what it declares",
       "other services are refused, so the call fails on the node",
       "add the service to .needs({...})", &declares},
      {"RS408", "its calls print nothing", "stdout belongs to the host",
       "log with host().info(...); take a program's output from process.run", &silent},
      {"RS409", "its calls leave the process alone",
       "signal handlers, umask and working directory belong to the server, and to all plugins in "
       "it",
       "do not touch them; give a program its directory and environment with process.run",
       &leaves_process_alone},
  };
}

}  // namespace rolesync::plugin_check
