// SPDX-License-Identifier: Apache-2.0
// Measures parts of the agent by themselves; run by bench/agent. Prints one JSON object.
//   agent_calls ports            one scan of the listening ports with their owners, first and again
//   agent_calls facts PATH...    one collection of ports and these paths
//   agent_calls proof ROOT TARGET ROLE   proofs of the release installed there
// Times are CPU seconds of this thread, medians: the machine may be busy with other things.
#include <algorithm>
#include <ctime>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <vector>

#include "host/activation/installation.hpp"
#include "host/agent/prover.hpp"
#include "host/facts/facts.hpp"
#include "host/role/role.hpp"

using namespace rolesync;

namespace {

double cpu_seconds() {
  timespec at{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) / 1e9;
}

double cost(const std::function<void()>& work) {
  const double before = cpu_seconds();
  work();
  return cpu_seconds() - before;
}

double median_cost(int times, const std::function<void()>& work) {
  std::vector<double> costs;
  for (int i = 0; i < times; ++i) costs.push_back(cost(work));
  std::nth_element(costs.begin(), costs.begin() + times / 2, costs.end());
  return costs[static_cast<std::size_t>(times) / 2];
}

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(result).value();
}

Json ports() {
  const auto scanner = kernel_ports();
  std::vector<ListeningPort> found;
  const double first = cost([&] { found = must(scanner->scan()); });
  const double again = median_cost(200, [&] { (void)must(scanner->scan()); });
  const auto owned = std::count_if(found.begin(), found.end(),
                                   [](const ListeningPort& port) { return port.pid != 0; });
  return {{"ports", found.size()}, {"owned", owned}, {"first", first}, {"again", again}};
}

Json facts(const std::vector<std::string>& paths) {
  const auto scanner = kernel_ports();
  const auto units = systemd_units();
  const FactQuestion question{{paths.begin(), paths.end()}, {}};
  (void)collect_facts(question, *units, *scanner);
  return {{"again", median_cost(200, [&] { (void)collect_facts(question, *units, *scanner); })}};
}

Json proof(const std::string& root, const std::string& target, const std::string& name) {
  InstallationOptions options;
  options.root = root;
  options.target = target;
  options.role = name;
  const auto installation = must(Installation::open(real_file_system(), options));
  Proof known;
  const double full = median_cost(3, [&] { known = must(installation->prove(true)); });
  const double stats = median_cost(9, [&] { known = must(installation->prove(false)); });
  if (known.hashed != 0) throw std::runtime_error("unchanged files were read again");
  agent::Prover prover([](const std::string&) {});
  Role role;
  role.name = name;
  role.target_path = target;
  const auto watched = [&] {
    known = must(prover.prove(role, *installation, agent::Prover::Depth::needed));
  };
  watched();
  if (!prover.watches(name)) throw std::runtime_error("the tree cannot be watched");
  const double quiet = median_cost(9, watched);
  return {{"files", installation->current()->manifest.entries().size()},
          {"full", full},
          {"stats", stats},
          {"watched", quiet},
          {"watched_looked_at", known.files},
          {"drift", known.drift.size()}};
}

Json measure(const std::vector<std::string>& words) {
  if (words.size() == 1 && words[0] == "ports") return ports();
  if (words.size() > 1 && words[0] == "facts") return facts({words.begin() + 1, words.end()});
  if (words.size() == 4 && words[0] == "proof") return proof(words[1], words[2], words[3]);
  throw std::runtime_error("ports | facts PATH... | proof ROOT TARGET ROLE");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::cout << measure({argv + 1, argv + argc}).dump() << "\n";
  } catch (const std::exception& error) {
    std::cerr << "agent_calls: " << error.what() << "\n";
    return 1;
  }
}
