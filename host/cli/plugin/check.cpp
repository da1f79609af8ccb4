// SPDX-License-Identifier: Apache-2.0
// `rolesync plugin check FILE`: what a server or agent would object to, and what would hurt later.
// Each check runs in a child: this program again, with --one.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "host/cli/plugin/author.hpp"
#include "host/cli/programs.hpp"
#include "host/cli/session.hpp"
#include "host/cli/text.hpp"
#include "host/plugin_check/runner.hpp"

namespace rolesync::cli {
namespace {

namespace fs = std::filesystem;
using plugin_check::Check;
using plugin_check::Finding;
using plugin_check::Outcome;

struct CheckFlags {
  std::string file, one;
  std::vector<std::string> only;
  bool only_failed = false, list = false, in_process = false;
};

std::map<std::string, std::string> whole_environment() {
  std::map<std::string, std::string> all;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string text = *entry;
    if (const auto equals = text.find('='); equals != std::string::npos)
      all[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return all;
}

Json to_json(const Check& check) {
  return {{"id", check.id}, {"title", check.title}, {"why", check.why}, {"fix", check.fix}};
}

Json to_json(const Finding& finding) {
  Json object = to_json(*finding.check);
  object["state"] = plugin_check::to_word(finding.outcome.state);
  object["detail"] = finding.outcome.detail;
  return object;
}

int list_checks(Session& session) {
  if (session.json()) {
    Json list = Json::array();
    for (const Check& check : plugin_check::all_checks()) list.push_back(to_json(check));
    return session.print(Json{{"checks", std::move(list)}}), kOk;
  }
  for (const Check& check : plugin_check::all_checks()) {
    session.print(std::string(check.id) + "  " + check.title + "\n       why: " + check.why +
                  "\n       fix: " + check.fix + "\n");
  }
  return kOk;
}

void print(const Session& session, const Finding& finding, bool only_failed) {
  const auto state = finding.outcome.state;
  if (only_failed && state != Outcome::State::failed) return;
  const Style style = state == Outcome::State::passed   ? Style::good
                      : state == Outcome::State::failed ? Style::bad
                                                        : Style::dim;
  const std::string word = plugin_check::to_word(state);
  std::string text = std::string(finding.check->id) + "  " + session.marked(word, style) +
                     std::string(9 - word.size(), ' ') + finding.check->title + "\n";
  const auto line = [&](const char* label, const std::string& words) {
    text += std::string("       ") + label + printable(words) + "\n";
  };
  if (!finding.outcome.detail.empty()) line("", finding.outcome.detail);
  if (state == Outcome::State::failed) {
    line("why: ", finding.check->why);
    line("fix: ", finding.check->fix);
  }
  session.print(text);
}

std::string summary(const std::vector<Finding>& findings) {
  std::size_t failed = 0, skipped = 0;
  for (const Finding& finding : findings) {
    failed += finding.outcome.state == Outcome::State::failed;
    skipped += finding.outcome.state == Outcome::State::skipped;
  }
  std::string text = counted(findings.size(), "check") + ": " +
                     std::to_string(findings.size() - failed - skipped) + " passed, " +
                     std::to_string(failed) + " failed, " + std::to_string(skipped) + " skipped";
  return text;
}

int check(Session& session, const CheckFlags& flags) {
  std::error_code error;
  const fs::path file = fs::absolute(flags.file, error);
  if (!fs::exists(fs::symlink_status(file, error))) {
    return session.fail({ErrorKind::not_found, "file_missing", "there is no file " + file.string(),
                         "build it first: cmake --workflow --preset dev"});
  }
  if (fs::is_directory(file, error)) {
    return session.fail({ErrorKind::invalid, "not_a_regular_file",
                         file.string() + " is a directory", "give the built <id>.so in it"});
  }
  plugin_check::RunnerOptions options;
  options.only = flags.only;
  if (!flags.in_process) {
    options.child = {program_directory() + "/rolesync", "plugin", "check", "--one"};
    options.environment = whole_environment();
  }
  const auto findings = plugin_check::run_checks(file, options, [&](const Finding& finding) {
    if (!session.json()) print(session, finding, flags.only_failed);
  });
  bool sound = true;
  Json list = Json::array();
  for (const Finding& finding : findings) {
    const bool failed = finding.outcome.state == Outcome::State::failed;
    sound &= !failed;
    if (failed || !flags.only_failed) list.push_back(to_json(finding));
  }
  if (session.json()) {
    session.print(Json{{"file", file.string()}, {"passed", sound}, {"findings", std::move(list)}});
  } else {
    session.say(file.filename().string() + ": " + summary(findings));
  }
  return sound ? kOk : kFailed;
}

}  // namespace

void add_plugin_check(CLI::App& plugin, Session& session) {
  auto flags = std::make_shared<CheckFlags>();
  CLI::App* verb = plugin.add_subcommand("check", "look for what is wrong with a plugin file");
  verb->add_option("file", flags->file, "the built plugin, <id>.so");
  verb->add_option("--only", flags->only, "only these checks, for example RS401")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check([](const std::string& id) {
        return plugin_check::find_check(id) ? "" : id + " is no check; --list shows them all";
      });
  verb->add_flag("--only-failed", flags->only_failed, "say nothing about checks that passed");
  verb->add_flag("--list", flags->list, "all checks, with their reasons; needs no file");
  verb->add_flag("--in-process", flags->in_process,
                 "run all checks in this process, for a debugger");
  verb->add_option("--one", flags->one)->group("");  // the child's side
  verb->callback([&session, flags] {
    if (!flags->list && flags->file.empty()) throw CLI::RequiredError("file");
    session.action = [&session, flags] {
      if (flags->list) return list_checks(session);
      if (!flags->one.empty()) return plugin_check::run_one_check(flags->one, flags->file);
      return check(session, *flags);
    };
  });
}

}  // namespace rolesync::cli
