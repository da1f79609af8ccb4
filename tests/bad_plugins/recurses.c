/* SPDX-License-Identifier: Apache-2.0 */
/* Runs out of stack when a request is nested. */
#include <rolesync/abi.h>
#define BAD_CALL
#include <stdlib.h>
#include <string.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  size_t depth = 0;
  for (size_t i = 0; i < size && depth <= 1000; ++i) depth = json[i] == '[' ? depth + 1 : 0;
  if (depth > 1000) abort();
  out->write(out->ctx, "{}", 2);
  return RS_OK;
}
#include "bad_plugin.h"
