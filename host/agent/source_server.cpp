// SPDX-License-Identifier: Apache-2.0
#include "host/agent/source_server.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "host/services/node_services.hpp"

namespace rolesync::agent {
namespace {

constexpr std::chrono::hours kLongest{6};

// git refuses a repository of another user unless told otherwise, and may run what its config
// says: it runs as the repository's owner, whose config that is.
ChildSpec upload_pack(const std::string& repository) {
  ChildSpec spec;
  spec.argv = {"git",
               "-c",
               "safe.directory=" + repository,
               "-c",
               "core.hooksPath=/dev/null",
               "upload-pack",
               "--",
               repository};
  struct stat st {};
  if (::geteuid() == 0 && ::stat(repository.c_str(), &st) == 0 && st.st_uid != 0) {
    spec.uid = st.st_uid;
  }
  spec.environment = minimal_environment(spec.uid.value_or(::geteuid()));
  spec.environment["GIT_CONFIG_NOSYSTEM"] = "1";
  spec.environment["GIT_CONFIG_GLOBAL"] = "/dev/null";
  spec.environment["GIT_TERMINAL_PROMPT"] = "0";
  spec.directory = "/";
  spec.time_limit = kLongest;
  return spec;
}

}  // namespace

Result<std::string> allowed_repository(const AgentConfig& config, const std::string& repository) {
  std::error_code failure;
  const auto real = std::filesystem::canonical(repository, failure);
  if (!failure && std::filesystem::path(repository).is_absolute()) {
    for (const std::string& allowed : config.source_repositories) {
      const auto real_allowed = std::filesystem::canonical(allowed, failure);
      if (!failure && real == real_allowed) return real.string();
    }
  }
  return Error{ErrorKind::denied, "repository_not_allowed",
               "this node does not serve the repository " + repository + " (" +
                   rule_of(config.limits, "source.repositories") + ")",
               "name it under [source] repositories in the agent's config"};
}

Status serve_source(const AgentConfig& config, ServerLink& link, const std::string& stream_id,
                    const std::string& repository, const CancelFlag& cancelled) {
  Result<std::string> path = allowed_repository(config, repository);
  if (!path) return path.error();
  Result<std::unique_ptr<Stream>> stream = link.open_awaited_stream("streams/" + stream_id);
  if (!stream) return stream.error();
  StreamDescriptor descriptor(std::move(*stream));
  ChildSpec spec = upload_pack(*path);
  spec.stdio_fd = descriptor.get();
  spec.cancelled = &cancelled;
  Result<ChildResult> result = run_child(spec);
  if (!result) return result.error();
  if (result->succeeded()) return {};
  return Error{ErrorKind::failed, "upload_pack_failed", "git upload-pack: " + result->explain()};
}

}  // namespace rolesync::agent
