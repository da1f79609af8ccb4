/* SPDX-License-Identifier: Apache-2.0 */
/* Leaves the process in a call. */
#include <rolesync/abi.h>
#define BAD_CALL
#include <stdlib.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size, (void)out;
  exit(0);
}
#include "bad_plugin.h"
