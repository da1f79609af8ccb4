// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "host/agent/doctor/checks.hpp"
#include "host/process/child.hpp"
#include "host/services/node_services.hpp"

namespace rolesync::agent::doctor {
namespace {

Result<ChildResult> run(std::vector<std::string> argv, std::optional<uid_t> user = {}) {
  ChildSpec spec;
  spec.argv = std::move(argv);
  spec.directory = "/";
  spec.uid = user;
  spec.environment = minimal_environment(user.value_or(::geteuid()));
  spec.environment["GIT_CONFIG_NOSYSTEM"] = "1";
  spec.environment["GIT_CONFIG_GLOBAL"] = "/dev/null";
  spec.time_limit = std::chrono::seconds(10);
  return run_child(spec);
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// As the repository's owner, like the agent does when it serves it.
Finding check_repository(const std::string& repository) {
  const std::string check = "source.repository";
  struct stat found {};
  if (::stat(repository.c_str(), &found) != 0) {
    return failure(check, "repository_missing", repository + " is not there",
                   "correct [source] repositories in the agent's config");
  }
  std::optional<uid_t> user;
  if (::geteuid() == 0 && found.st_uid != 0) user = found.st_uid;
  const Result<ChildResult> asked =
      run({"git", "-c", "safe.directory=" + repository, "-c", "core.hooksPath=/dev/null", "-C",
           repository, "rev-parse", "--git-dir"},
          user);
  if (asked && asked->succeeded()) return fine(check, repository);
  return failure(check, "repository_unusable",
                 repository + ": " + (asked ? asked->explain() : asked.error().message),
                 "it must be a git repository that its owner can read");
}

}  // namespace

Finding judge_rsync(const std::string& version_output) {
  int major = 0, minor = 0;
  const std::string line = first_line(version_output);
  if (std::sscanf(line.c_str(), "rsync version %d.%d", &major, &minor) != 2) {
    return warning("program.rsync", "rsync_missing",
                   "there is no rsync; large changes cannot be fetched by it",
                   "install rsync, or use roles whose deployer is another one");
  }
  if (major < 3 || (major == 3 && minor < 1)) {
    return warning("program.rsync", "rsync_old", line + " is too old",
                   "install rsync 3.1 or newer");
  }
  return fine("program.rsync", line.substr(0, line.find("  protocol")));
}

Finding check_rsync() {
  const Result<ChildResult> asked = run({"rsync", "--version"});
  std::string text = asked && asked->succeeded() ? asked->output : "";
  const std::size_t gap = text.find("rsync  version");
  if (gap == 0) text.erase(5, 1);
  return judge_rsync(text);
}

Findings check_repositories(const AgentConfig& config) {
  if (config.source_repositories.empty()) return {};
  const Result<ChildResult> asked = run({"git", "--version"});
  if (!asked || !asked->succeeded()) {
    return {failure("program.git", "git_missing",
                    "this node is to serve a repository, and there is no git",
                    "install git, or remove [source] repositories")};
  }
  Findings findings{fine("program.git", first_line(asked->output))};
  for (const std::string& repository : config.source_repositories) {
    findings.push_back(check_repository(repository));
  }
  return findings;
}

}  // namespace rolesync::agent::doctor
