// SPDX-License-Identifier: Apache-2.0
// Lets a std::exception out of a call.
#define BAD_CALL
#include <rolesync/abi.h>

#include <stdexcept>

static int32_t call(void*, const char*, const char*, size_t, const rs_sink*) {
  throw std::runtime_error("over the door");
}
#include "bad_plugin.h"
