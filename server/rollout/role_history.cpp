// SPDX-License-Identifier: Apache-2.0
#include "server/rollout/role_history.hpp"

#include "host/role/role_paths.hpp"

namespace rolesync::rollout {
namespace {

constexpr std::size_t most_commits = 20'000;

}  // namespace

Result<domain::RoleHistory> read_history(const source::Mirror& mirror, const Role& role) {
  std::vector<std::string> paths;
  bool everything = false;
  for (const SourceMapping& mapping : source_mappings(role)) {
    everything = everything || mapping.from.empty();
    paths.push_back(mapping.from);
  }
  if (everything) paths.clear();
  domain::RoleHistory history;
  const Status read =
      mirror.history(paths, most_commits,
                     {.commit = [&](const std::string& commit) { history.begin_commit(commit); },
                      .change =
                          [&](const source::TreeChange& change) {
                            const auto target = target_of(role, change.path);
                            if (!target) return;
                            const auto mode = file_mode(change.mode);
                            if (mode) {
                              history.placed(*target, *mode, change.id);
                            } else {
                              history.removed(*target);  // gone, or a submodule
                            }
                          }});
  if (!read) return read.error();
  return history;
}

}  // namespace rolesync::rollout
