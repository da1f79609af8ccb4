// SPDX-License-Identifier: Apache-2.0
// A fleet of simulated agents in one process, for tests and benchmarks of the server: thousands of
// nodes that join, wait in their heartbeats, and do their tasks on disks that exist only here.
//
//   simulated_fleet --url https://127.0.0.1:8770 --ca ca.crt --admin-token-file admin.token
//     --nodes 1000 --failing 10 --fail-at health --slow 5 --vanishing 1 --seed 7
//
// Every connection, handshake, request and body is real (docs/protocol.md; bodies are written by
// the agent's own code); disks, services and time spent working are not. The seed decides which
// nodes fail, are slow, vanish or drift; the shares are exact. With --credentials FILE a second run
// goes on with the nodes of the first. It speaks JSON lines on standard output: `settled` when
// every node waits in its heartbeat, `counts` at SIGUSR1, `ended` at SIGTERM.
// tests/e2e/simulated.py drives it from stories. Two descriptors per node are needed, one here and
// one in the server.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "fleet.hpp"

namespace {

using namespace rolesync::simulated;

void declare(CLI::App& app, Options& options) {
  app.add_option("--url", options.urls, "The server; repeatable when there are several")
      ->required()
      ->allow_extra_args(false);
  app.add_option("--ca", options.ca_file, "CA of the server's certificate");
  app.add_option("--admin-token-file", options.admin_token_file, "Makes the join tokens");
  app.add_option("--credentials", options.credentials_file, "Credentials, kept between runs");
  app.add_option("--deliveries", options.deliveries_file,
                 "A line for each command: monotonic seconds, node, kind, task or command");
  app.add_option("--nodes", options.nodes)->check(CLI::Range(1, 1'000'000));
  app.add_option("--prefix", options.prefix, "Of the nodes' names");
  app.add_option("--seed", options.seed);
  app.add_option("--boot", options.boot, "Another number: the machines were booted anew");
  app.add_option("--concurrency", options.concurrency, "How many join at the same time")
      ->check(CLI::Range(1, 100'000));
  const auto percent = CLI::Range(0.0, 100.0);
  app.add_option("--failing", options.failing, "Percent whose tasks fail")->check(percent);
  app.add_option("--fail-at", options.fail_at, "stage, activate or health (rolls back)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, FailAt>{
          {"stage", FailAt::stage}, {"activate", FailAt::activate}, {"health", FailAt::health}}));
  app.add_option("--slow", options.slow, "Percent that are slow")->check(percent);
  app.add_option("--slow-ms", options.slow_ms, "What a step takes them");
  app.add_option("--vanishing", options.vanishing, "Percent that are gone when told to switch")
      ->check(percent);
  app.add_option("--vanish-ms", options.vanish_ms, "After this they are back; 0: never");
  app.add_option("--drifting", options.drifting, "Percent where a deployed file is edited")
      ->check(percent);
  app.add_option("--work-ms", options.work_ms, "What a step takes the others");
  app.add_flag("--quarantined", options.quarantined, "All report the plugin acme_probe so");
  app.add_flag("!--no-fetch", options.fetch, "Do not ask for the contents of tasks");
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("A fleet of simulated agents");
  declare(app, options);
  CLI11_PARSE(app, argc, argv);
  auto fleet = Fleet::make(options);
  if (!fleet) {
    std::fprintf(stderr, "simulated_fleet: %s\n", fleet.error().text().c_str());
    return 1;
  }
  (*fleet)->run();
  return 0;
}
