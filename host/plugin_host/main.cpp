// SPDX-License-Identifier: Apache-2.0
// rolesync-plugin-host: the child in which plugins are tried and isolated, and the connection
// program of rsync. Started by agent and server; not for people.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "host/plugin/probe.hpp"
#include "host/plugin/serve.hpp"
#include "host/plugin_host/bridge.hpp"

namespace {

constexpr int usage_error = 2;

int usage() {
  std::fputs(
      "usage: rolesync-plugin-host --probe FILE | --serve FILE | --bridge DESCRIPTOR\n"
      "Started by rolesync itself; see docs/plugin-services.md.\n",
      stderr);
  return usage_error;
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) return usage();
  // First, and with what rsync appends ignored: this one runs for every transfer.
  if (std::strcmp(words[1], "--bridge") == 0) {
    const int descriptor = std::atoi(words[2]);
    return descriptor > 2 ? rolesync::run_bridge(descriptor) : usage();
  }
  if (count != 3) return usage();
  if (std::strcmp(words[1], "--probe") == 0) return rolesync::plugin::run_probe(words[2]);
  if (std::strcmp(words[1], "--serve") == 0) return rolesync::plugin::run_serve(words[2]);
  return usage();
}
