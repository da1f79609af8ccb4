/* SPDX-License-Identifier: Apache-2.0 */
/* Answers a text where an object is wanted. */
#include <rolesync/abi.h>
#define BAD_CALL
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  out->write(out->ctx, "\"fine\"", 6);
  return RS_OK;
}
#include "bad_plugin.h"
