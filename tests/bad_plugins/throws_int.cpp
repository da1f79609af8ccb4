// SPDX-License-Identifier: Apache-2.0
// Throws an int out of a call.
#define BAD_CALL
#include <rolesync/abi.h>

static int32_t call(void*, const char*, const char*, size_t, const rs_sink*) {
  throw 42;
}
#include "bad_plugin.h"
