// SPDX-License-Identifier: Apache-2.0
// What crash_kill_test kills at every system call: one activation, with everything staged.
// Usage: activation_crash_subject ROOT
#include <cstdio>

#include "tests/host/activation/crash_story.hpp"

int main(int argc, char** argv) {
  using namespace rolesync;
  if (argc != 2) return 2;
  auto installation = Installation::open(real_file_system(), crash_story::options(argv[1]));
  if (!installation) {
    std::fprintf(stderr, "%s\n", installation.error().text().c_str());
    return 1;
  }
  const auto report = crash_story::activate(**installation);
  if (!report) std::fprintf(stderr, "%s\n", report.error().text().c_str());
  return report ? 0 : 1;
}
