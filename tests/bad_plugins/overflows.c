/* SPDX-License-Identifier: Apache-2.0 */
/* Has room for requests of one megabyte. */
#include <rolesync/abi.h>
#define BAD_CALL
#include <stdlib.h>
#include <string.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  if (size > 1 << 20) abort();
  out->write(out->ctx, "{}", 2);
  return RS_OK;
}
#include "bad_plugin.h"
