// SPDX-License-Identifier: Apache-2.0
// A property that holds for every input; when it does not, the fuzzer keeps the input.
#pragma once
#include <cstdlib>
#include <iostream>

namespace rolesync {

// The builtins are std::source_location's, which clang 14 does not have.
inline void holds(bool property, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (property) return;
  std::cerr << file << ":" << line << ": the property does not hold\n";
  std::abort();
}

}  // namespace rolesync
