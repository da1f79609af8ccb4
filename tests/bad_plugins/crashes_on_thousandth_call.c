/* SPDX-License-Identifier: Apache-2.0 */
/* Serves 999 calls and aborts in the thousandth. */
#include <rolesync/abi.h>
#define BAD_CALL
#include "fine.h"
#include <stdlib.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  static int calls = 0;
  if (++calls == 1000) abort();
  out->write(out->ctx, FINE, sizeof FINE - 1);
  return RS_OK;
}
#include "bad_plugin.h"
