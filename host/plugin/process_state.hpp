// SPDX-License-Identifier: Apache-2.0
// What of our own process a library might change behind our back. For the probing child.
#pragma once
#include <sys/types.h>

#include <map>
#include <string>

namespace rolesync::plugin {

struct ProcessState {
  std::map<int, void*> signal_handlers;
  std::string directory;
  mode_t umask = 0;

  static ProcessState now();
  // What differs, as the end of a sentence ("the handler of signal 11"); empty: nothing.
  std::string difference(const ProcessState& later) const;
};

// Waits a moment for threads that are ending. True when more are there than `expected`.
bool has_more_threads_than(std::size_t expected);
std::size_t count_threads();

}  // namespace rolesync::plugin
