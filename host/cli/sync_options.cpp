// SPDX-License-Identifier: Apache-2.0
#include "host/cli/sync_options.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace rolesync::cli {

void add_selection(CLI::App& app, SyncOptions& options) {
  app.add_option("--node", options.nodes, "only these nodes")->allow_extra_args(false);
  app.add_option("--commit", options.commit, "an imported commit (full id) instead of the newest");
  app.add_option("--first-install", options.first_install,
                 "a target with files we did not put there: refuse (default), adopt (what it was "
                 "identified as is what the sync starts from) or overlay")
      ->check(CLI::IsMember({"refuse", "adopt", "overlay"}));
  app.add_option("--restart", options.restart, "auto (default: as the role says), always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
}

Json plan_request(const SyncOptions& options) {
  Json request = Json::object();
  if (!options.nodes.empty()) request["nodes"] = options.nodes;
  if (!options.commit.empty()) request["commit"] = options.commit;
  if (!options.first_install.empty()) request["first_install"] = options.first_install;
  if (!options.restart.empty()) request["restart"] = options.restart;
  return request;
}

}  // namespace rolesync::cli
