// SPDX-License-Identifier: Apache-2.0
#include "host/plugin_check/runner.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "host/plugin/private_wire.hpp"
#include "host/plugin/wire.hpp"
#include "host/plugin_check/own_stdout.hpp"
#include "host/plugin_check/subject.hpp"
#include "host/process/child.hpp"

namespace rolesync::plugin_check {
namespace {

Outcome outcome_from(const Json& answer) {
  const auto detail = answer.value("detail", "");
  const auto state = answer.value("state", "");
  if (state == "passed") return passed();
  return state == "skipped" ? skipped(detail) : failed(detail);
}

std::string signal_words(int number) {
  const char* name = ::strsignal(number);
  return "signal " + std::to_string(number) + (name ? " (" + std::string(name) + ")" : "");
}

// Once a plugin has hung, nobody waits that long again.
constexpr std::chrono::seconds short_patience{3};

struct InChild {
  Outcome outcome;
  bool hung = false;
};

InChild in_child(const Check& check, const std::filesystem::path& file,
                 const RunnerOptions& options, std::chrono::seconds limit) {
  ChildSpec spec;
  spec.argv = options.child;
  spec.argv.insert(spec.argv.end(), {check.id, file.string()});
  spec.environment = options.environment;
  spec.time_limit = limit;
  spec.term_grace = std::chrono::milliseconds(200);
  const Result<ChildResult> result = run_child(spec);
  if (!result) return {failed("the check cannot be started: " + result.error().message)};
  if (result->timed_out) {
    return {failed("the plugin did not come back within " + std::to_string(limit.count()) + " s"),
            true};
  }
  if (result->signal != 0) return {failed("the plugin crashed: " + signal_words(result->signal))};
  const Result<Json> answer = parse_json(result->output);
  if (answer && answer->is_object()) return {outcome_from(*answer)};
  return {failed("the plugin ended the process (" + result->explain() + ")")};
}

bool is_wanted(const Check& check, const std::vector<std::string>& only) {
  return only.empty() || std::find(only.begin(), only.end(), check.id) != only.end();
}

// A plugin that grows must not take the author's machine with it.
void limit_this_process() {
  const auto set = [](auto resource, rlim_t value) {
    const rlimit limit{value, value};
    ::setrlimit(resource, &limit);
  };
  set(RLIMIT_CORE, 0);
  set(RLIMIT_AS, rlim_t{1} << 30);
}

Outcome here(const Check& check, const std::filesystem::path& file) {
  Subject subject(file);
  try {
    return check.run(subject);
  } catch (const std::exception& thrown) {
    return failed(std::string("the plugin let an exception out of its door: ") + thrown.what());
  } catch (...) {
    return failed("the plugin let an exception out of its door");
  }
}

}  // namespace

std::vector<Finding> run_checks(const std::filesystem::path& file, const RunnerOptions& options,
                                const std::function<void(const Finding&)>& told) {
  std::vector<Finding> findings;
  const Check* closed = nullptr;
  bool hung = false;
  for (const Check& check : all_checks()) {
    if (!is_wanted(check, options.only)) continue;
    Finding finding{&check, {}};
    if (closed) {
      finding.outcome =
          skipped(std::string("cannot be looked at before ") + closed->id + " passes");
    } else if (options.child.empty()) {
      const OwnStdout out;
      finding.outcome = here(check, file);
    } else {
      const InChild result = in_child(check, file, options,
                                      hung ? std::min(check.limit, short_patience) : check.limit);
      finding.outcome = result.outcome;
      hung |= result.hung;
    }
    if (check.gate && finding.outcome.state == Outcome::State::failed) closed = &check;
    told(finding);
    findings.push_back(std::move(finding));
  }
  return findings;
}

int run_one_check(const std::string& id, const std::filesystem::path& file) {
  const plugin::PrivateWire wire = plugin::take_private_wire();
  const Check* check = find_check(id);
  if (!check) return 2;
  limit_this_process();
  const Outcome outcome = here(*check, file);
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  const Json answer = {{"state", to_word(outcome.state)}, {"detail", outcome.detail}};
  const bool said = plugin::write_line(wire.out.get(), answer, patience).ok();
  std::_Exit(said ? 0 : 1);  // the plugin's static destructors have no say any more
}

}  // namespace rolesync::plugin_check
