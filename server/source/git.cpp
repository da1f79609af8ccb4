// SPDX-License-Identifier: Apache-2.0
#include "server/source/git.hpp"

namespace rolesync::source {
namespace {

// What an old but harmless repository may have; everything else that fsck dislikes is refused.
constexpr const char* tolerated[] = {"zeroPaddedFilemode", "missingSpaceBeforeDate", "badTimezone",
                                     "missingEmail"};

void add_setting(std::vector<std::string>& argv, const std::string& setting) {
  argv.push_back("-c");
  argv.push_back(setting);
}

}  // namespace

ChildSpec git_child(const GitCall& call) {
  ChildSpec spec;
  spec.argv = {"git"};
  if (!call.repository.empty()) spec.argv.push_back("--git-dir=" + call.repository.string());
  for (const char* setting :
       {"core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.allow=never",
        "transfer.fsckObjects=true", "submodule.recurse=false", "gc.autoDetach=false",
        "log.showSignature=false", "i18n.logOutputEncoding=UTF-8", "advice.detachedHead=false"}) {
    add_setting(spec.argv, setting);
  }
  for (const char* id : tolerated) {
    add_setting(spec.argv, std::string("fetch.fsck.") + id + "=ignore");
  }
  if (!call.allowed_protocol.empty()) {
    add_setting(spec.argv, "protocol." + call.allowed_protocol + ".allow=always");
  }
  spec.argv.insert(spec.argv.end(), call.arguments.begin(), call.arguments.end());
  spec.environment = {
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"HOME", "/nonexistent"},
      {"LC_ALL", "C"},
      {"GIT_CONFIG_NOSYSTEM", "1"},
      {"GIT_CONFIG_GLOBAL", call.global_config.empty() ? "/dev/null" : call.global_config.string()},
      {"GIT_TERMINAL_PROMPT", "0"},
      {"GIT_OPTIONAL_LOCKS", "0"},
      {"GIT_NO_REPLACE_OBJECTS", "1"},
      {"GIT_ALLOW_PROTOCOL", call.allowed_protocol.empty() ? "none" : call.allowed_protocol},
  };
  spec.input = call.input;
  spec.connection_fd = call.connection_fd;
  spec.output_cap = call.output_cap;
  spec.time_limit = call.time_limit;
  spec.cancelled = call.cancelled;
  return spec;
}

Result<std::string> run_git(const GitCall& call) {
  auto result = run_child(git_child(call));
  if (!result) {
    return Error{ErrorKind::unavailable, "git_missing",
                 "git could not be started: " + result.error().message,
                 "install git on the server"};
  }
  const std::string what = "git " + call.arguments.front();
  if (result->was_cancelled) {
    return Error{ErrorKind::unavailable, "cancelled", what + " was cancelled"};
  }
  if (result->timed_out) {
    return Error{ErrorKind::timeout, "git_timed_out", what + ": " + result->explain()};
  }
  if (!result->succeeded()) {
    return Error{ErrorKind::failed, "git_failed", what + ": " + result->explain()};
  }
  if (result->output.size() > call.output_cap) {
    return Error{ErrorKind::too_large, "git_output_too_large",
                 what + " said more than " + std::to_string(call.output_cap) + " bytes"};
  }
  return std::move(result->output);
}

}  // namespace rolesync::source
