// SPDX-License-Identifier: Apache-2.0
// Throws in a static constructor.
#include <stdexcept>

#include "bad_plugin.h"

static const int thrown = [] {
  throw std::runtime_error("no start today");
  return 0;
}();
