// SPDX-License-Identifier: Apache-2.0
// plugin_calls DIRECTORY PLUGIN_HOST: measures a registry over DIRECTORY/packaged (inline) and
// DIRECTORY/drop_in (isolated); both hold b0.so to b<n>.so. DIRECTORY/late.so is copied in at the
// end. Prints one JSON object (seconds, bytes). Run by bench/plugins.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

#include "host/plugin/registry.hpp"

namespace fs = std::filesystem;
using namespace rolesync;
using Clock = std::chrono::steady_clock;

namespace {

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

// A request as detectors get it.
const Json& request() {
  static const Json json{
      {"role", {{"role_name", "frontend"}, {"target_path", "/srv/frontend"}}},
      {"facts", {{"path_exists", true}, {"service", nullptr}, {"listening_ports", {22, 5173}}}}};
  return json;
}

double call_seconds(plugin::Registry& registry, const std::string& id, int calls) {
  std::vector<double> times;
  for (int i = 0; i < calls; ++i) {
    const auto start = Clock::now();
    const auto answer = registry.call("detector", id, "detect", request());
    times.push_back(seconds_since(start));
    if (!answer) throw std::runtime_error(answer.error().text());
  }
  return median(std::move(times));
}

// Private memory of the children of this process.
std::vector<double> child_bytes() {
  std::vector<double> all;
  std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  for (long pid; children >> pid;) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/smaps_rollup");
    double kilobytes = 0;
    for (std::string word; maps >> word;) {
      double number = 0;
      if (word.starts_with("Private_") && maps >> number) kilobytes += number;
    }
    all.push_back(kilobytes * 1024);
  }
  return all;
}

double hot_load_seconds(plugin::Registry& registry, const fs::path& from, const fs::path& to) {
  std::mutex mutex;
  std::condition_variable changed;
  int changes = 0;
  registry.on_change([&] {
    const std::lock_guard lock(mutex);
    ++changes;
    changed.notify_all();
  });
  registry.start_watching();
  const auto start = Clock::now();
  fs::copy_file(from, to);
  std::unique_lock lock(mutex);
  for (int seen = 0; !registry.has("detector", "late"); seen = changes) {
    changed.wait_for(lock, std::chrono::seconds(10), [&] { return changes > seen; });
    if (seconds_since(start) > 30) throw std::runtime_error("late.so was not noticed");
  }
  lock.unlock();
  const double taken = seconds_since(start);
  registry.on_change({});
  return taken;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("usage: plugin_calls DIRECTORY PLUGIN_HOST");
  const fs::path directory = argv[1];
  plugin::RegistryOptions options;
  options.packaged_directories = {directory / "packaged"};
  options.drop_in_directories = {directory / "drop_in"};
  options.private_directory = directory / "private";
  options.plugin_host_program = argv[2];

  Json result;
  const auto start = Clock::now();
  plugin::Registry registry(options);
  result["load_seconds"] = seconds_since(start);
  result["loaded"] = registry.provided("detector").size();
  result["inline_call_seconds"] = call_seconds(registry, "inline0", 20'000);
  const auto first = Clock::now();
  (void)call_seconds(registry, "isolated0", 1);
  result["isolated_first_call_seconds"] = seconds_since(first);
  result["isolated_call_seconds"] = call_seconds(registry, "isolated0", 5'000);
  for (int i = 1; i < 8; ++i) (void)call_seconds(registry, "isolated" + std::to_string(i), 10);
  result["child_private_bytes"] = median(child_bytes());
  result["hot_load_seconds"] =
      hot_load_seconds(registry, directory / "late.so", directory / "drop_in" / "late.so");
  std::cout << result.dump() << "\n";
  return 0;
} catch (const std::exception& failure) {
  std::cerr << "plugin_calls: " << failure.what() << "\n";
  return 1;
}
