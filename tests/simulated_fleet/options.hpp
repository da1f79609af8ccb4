// SPDX-License-Identifier: Apache-2.0
// What a simulated fleet is told on its command line. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace rolesync::simulated {

// Where the task of a failing node fails.
enum class FailAt { stage, activate, health };

struct Options {
  std::vector<std::string> urls;  // https://127.0.0.1:8770, or http:// on loopback; several servers
  std::string ca_file;           // for https
  std::string admin_token_file;  // for join tokens; not needed when all credentials are known
  std::string credentials_file;  // kept between runs; empty: none
  std::string deliveries_file;   // a line for each command that arrived; empty: none
  int nodes = 10;
  std::string prefix = "sim-";
  std::uint64_t seed = 1;
  std::uint64_t boot = 1;  // another number: the machines were booted anew
  int concurrency = 64;    // nodes that join or come back at the same time
  double failing = 0;      // percent of the nodes whose tasks fail
  FailAt fail_at = FailAt::health;
  double slow = 0;  // percent of the nodes whose steps take slow_ms
  int slow_ms = 3000;
  double vanishing = 0;      // percent of the nodes that are gone once they switch
  int vanish_ms = 0;         // and come back after this; 0: never
  double drifting = 0;       // percent of the nodes where somebody edits a deployed file
  int work_ms = 20;          // how long a step takes
  bool quarantined = false;  // each node reports one quarantined plugin, "acme_probe"
  bool fetch = true;         // ask for the content of a task, as an agent does
};

}  // namespace rolesync::simulated
