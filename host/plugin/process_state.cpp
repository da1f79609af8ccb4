// SPDX-License-Identifier: Apache-2.0
#include "host/plugin/process_state.hpp"

#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <thread>

namespace rolesync::plugin {
namespace {

constexpr std::chrono::milliseconds longest_end{200};

}  // namespace

ProcessState ProcessState::now() {
  ProcessState state;
  for (int number = 1; number < 32; ++number) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) != 0) continue;
    state.signal_handlers[number] = reinterpret_cast<void*>(action.sa_handler);
  }
  std::error_code failure;
  state.directory = std::filesystem::current_path(failure).string();
  state.umask = ::umask(077);
  ::umask(state.umask);
  return state;
}

std::string ProcessState::difference(const ProcessState& later) const {
  for (const auto& [number, handler] : signal_handlers) {
    const auto there = later.signal_handlers.find(number);
    if (there == later.signal_handlers.end() || there->second != handler) {
      return "the handler of signal " + std::to_string(number);
    }
  }
  if (later.umask != umask) return "the umask";
  if (later.directory != directory) return "the working directory";
  return "";
}

std::size_t count_threads() {
  std::error_code failure;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/task", failure), end;
       !failure && it != end; it.increment(failure)) {
    ++count;
  }
  return count;
}

bool has_more_threads_than(std::size_t expected) {
  const auto until = std::chrono::steady_clock::now() + longest_end;
  while (count_threads() > expected) {
    if (std::chrono::steady_clock::now() > until) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace rolesync::plugin
