/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps 32 MiB more with every call. */
#include <rolesync/abi.h>
#define BAD_CALL
#include "fine.h"
#include <stdlib.h>
#include <string.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  static void* volatile kept;
  kept = malloc(32 << 20);
  if (kept) memset(kept, 1, 32 << 20);
  out->write(out->ctx, FINE, sizeof FINE - 1);
  return RS_OK;
}
#include "bad_plugin.h"
