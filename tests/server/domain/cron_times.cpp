// SPDX-License-Identifier: Apache-2.0
// Reads lines "zone TAB after (ms) TAB count TAB expression" and writes for each the next times as
// seconds, or "refused"; what cron_oracle_test.py compares with another implementation.
#include <iostream>
#include <sstream>

#include "server/domain/schedule.hpp"

int main() {
  using namespace rolesync::domain;
  std::string line, zone, after, count, expression;
  while (std::getline(std::cin, line)) {
    std::istringstream fields(line);
    std::getline(fields, zone, '\t');
    std::getline(fields, after, '\t');
    std::getline(fields, count, '\t');
    std::getline(fields, expression);
    const auto cron = Cron::parse(expression);
    const auto place = TimeZone::find(zone);
    if (!cron || !place) {
      std::cout << "refused\n";
      continue;
    }
    for (const auto at : preview(*cron, *place, std::stoll(after), std::stoul(count))) {
      std::cout << at / 1000 << ' ';
    }
    std::cout << '\n';
  }
}
