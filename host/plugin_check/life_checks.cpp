// SPDX-License-Identifier: Apache-2.0
// RS6xx: what is left when instances and library are gone.
#include <malloc.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/plugin/process_state.hpp"
#include "host/plugin_check/calls.hpp"
#include "host/plugin_check/families.hpp"

namespace rolesync::plugin_check {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using std::chrono::steady_clock;
using Mood = StandInHost::Mood;

constexpr int rounds = 1'000;
constexpr int warm_up = 100;
constexpr long most_growth_bytes = 16 << 10;       // 16 bytes each: less than the smallest leak
constexpr long most_for_warm_up_bytes = 64 << 20;  // caches, not leaks
constexpr seconds patience{3};

struct Usage {
  long heap_bytes = 0;
  long descriptors = 0;

  static Usage now() {
    std::error_code error;
    long open = 0;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd", error)) {
      (void)entry;
      ++open;
    }
    const auto heap = ::mallinfo2();
    return {static_cast<long>(heap.uordblks + heap.hblkhd), open};
  }
};

std::string growth(const Usage& before, const Usage& after, const std::string& what) {
  if (after.descriptors > before.descriptors)
    return what + " leave " + std::to_string(after.descriptors - before.descriptors) +
           " descriptors open";
  const long bytes = after.heap_bytes - before.heap_bytes;
  if (bytes <= most_growth_bytes) return "";
  return what + " leave " + std::to_string(bytes) + " bytes allocated";
}

Outcome no_thread(Subject& subject) {
  const std::size_t before = plugin::count_threads();
  Outcome called =
      with_each(subject, Mood::willing,
                [&](const plugin::Provided& provided, LiveInstance& instance, StandInHost&) {
                  for (const Call& call : sample_calls(provided, subject.scratch()))
                    instance.call(call.method, call.request);
                  return passed();
                });
  if (called.state != Outcome::State::passed) return called;
  return plugin::has_more_threads_than(before) ? failed("a thread of it is still running")
                                               : passed();
}

Outcome instances_leave_nothing(Subject& subject) {
  const auto library = subject.library();
  const auto descriptor = subject.descriptor();
  if (!library || !descriptor) return failed("it cannot be loaded");
  for (const plugin::Provided& provided : descriptor->provides) {
    const StandInHost host(provided);
    Usage before;
    for (int i = 0; i < warm_up + rounds; ++i) {
      if (i == warm_up) before = Usage::now();
      const auto instance = LiveInstance::make(*library, host.raw(), provided);
      if (!instance) return failed(named(provided) + ": " + instance.error().message);
    }
    const std::string fault = growth(before, Usage::now(), "1,000 instances that are gone");
    if (!fault.empty()) return failed(named(provided) + ": " + fault);
  }
  return passed();
}

// Makes so many calls, or as many as there is time for: a plugin may be slow without a leak.
void call_often(LiveInstance& instance, const std::vector<Call>& calls, int times) {
  const auto until = steady_clock::now() + patience;
  for (int i = 0; i < times && steady_clock::now() < until; ++i) {
    const Call& call = calls[static_cast<std::size_t>(i) % calls.size()];
    instance.call(call.method, call.request);
  }
}

Outcome calls_leave_nothing(Subject& subject) {
  return with_each(subject, Mood::willing,
                   [&](const plugin::Provided& provided, LiveInstance& instance, StandInHost&) {
                     const auto calls = sample_calls(provided, subject.scratch());
                     const Usage first = Usage::now();
                     call_often(instance, calls, warm_up);
                     const Usage before = Usage::now();
                     if (before.heap_bytes - first.heap_bytes > most_for_warm_up_bytes)
                       return failed(named(provided) + ": its first calls leave " +
                                     std::to_string(before.heap_bytes - first.heap_bytes) +
                                     " bytes allocated");
                     call_often(instance, calls, rounds);
                     const auto fault = growth(before, Usage::now(), "1,000 calls");
                     return fault.empty() ? passed() : failed(named(provided) + ": " + fault);
                   });
}

bool is_mapped(const fs::path& file) {
  std::error_code error;
  const std::string path = fs::canonical(file, error).string();
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.size() > path.size() && line.ends_with(path)) return true;
  }
  return false;
}

Outcome unmapped(Subject& subject) {
  for (int i = 0; i < 3; ++i) {
    Outcome used =
        with_each(subject, Mood::willing,
                  [&](const plugin::Provided& provided, LiveInstance& instance, StandInHost&) {
                    const auto calls = sample_calls(provided, subject.scratch());
                    instance.call(calls.front().method, calls.front().request);
                    return passed();
                  });
    if (used.state != Outcome::State::passed) return used;
    if (!is_mapped(subject.file())) return failed("it was not loaded from its file");
    subject.unload();
    if (is_mapped(subject.file())) return failed("it is still in memory after it was unloaded");
  }
  return passed();
}

// As many instances at once as a host makes of what is declared parallel.
Outcome parallel(Subject& subject) {
  const auto library = subject.library();
  const auto descriptor = subject.descriptor();
  if (!library || !descriptor) return failed("it cannot be loaded");
  bool any = false;
  std::atomic<bool> broken{false};
  for (const plugin::Provided& provided : descriptor->provides) {
    if (!provided.parallel) continue;
    any = true;
    const auto calls = sample_calls(provided, subject.scratch());
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int n = 0; n < 4; ++n) {
      threads.emplace_back([&] {
        const StandInHost host(provided);
        const auto instance = LiveInstance::make(*library, host.raw(), provided);
        const auto until = steady_clock::now() + seconds(1);
        for (int i = 0; instance && i < 200 && steady_clock::now() < until; ++i) {
          const Call& call = calls[static_cast<std::size_t>(i) % calls.size()];
          if (!form_fault((*instance)->call(call.method, call.request)).empty()) broken = true;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    if (broken) return failed(named(provided) + ": calls at once disturb each other");
  }
  return any ? passed() : skipped("nothing it provides is declared parallel");
}

}  // namespace

std::vector<Check> life_checks() {
  return {
      {"RS601", "no thread is left after its instances",
       "a thread that runs when the library is unloaded crashes the process",
       "join threads in the destructor of the instance", &no_thread},
      {"RS602", "instances leave nothing behind", "a host makes and drops instances for months",
       "free in the destructor what the constructor took", &instances_leave_nothing},
      {"RS603", "calls leave nothing behind",
       "a detector is called at every heartbeat; an isolated plugin that grows is ended",
       "bound what you keep between calls", &calls_leave_nothing, false, seconds(30)},
      {"RS604", "it leaves memory when it is unloaded", "after an update the old code would answer",
       "build it with rolesync_add_plugin(); keep no thread and no handle to itself", &unmapped},
      {"RS605", "what it declares parallel is",
       "the host calls several instances at once, from several threads",
       "share nothing between instances, or drop .parallel()", &parallel, false, seconds(30)},
  };
}

}  // namespace rolesync::plugin_check
