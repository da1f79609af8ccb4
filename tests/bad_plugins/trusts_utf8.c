/* SPDX-License-Identifier: Apache-2.0 */
/* Aborts at bytes that are not ASCII. */
#include <rolesync/abi.h>
#define BAD_CALL
#include <stdlib.h>
#include <string.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  for (size_t i = 0; i < size; ++i) {
    if ((unsigned char)json[i] > 127) abort();
  }
  out->write(out->ctx, "{}", 2);
  return RS_OK;
}
#include "bad_plugin.h"
