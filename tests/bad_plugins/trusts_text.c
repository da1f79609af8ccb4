/* SPDX-License-Identifier: Apache-2.0 */
/* Aborts when a request does not begin as an object does. */
#include <rolesync/abi.h>
#define BAD_CALL
#include <stdlib.h>
#include <string.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  if (size == 0 || json[0] != '{') abort();
  out->write(out->ctx, "{}", 2);
  return RS_OK;
}
#include "bad_plugin.h"
