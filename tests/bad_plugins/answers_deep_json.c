/* SPDX-License-Identifier: Apache-2.0 */
/* Answers with 100,000 nested arrays. */
#include <rolesync/abi.h>
#define BAD_CALL

static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size, (void)out;
  for (int i = 0; i < 100000; ++i) out->write(out->ctx, "[", 1);
  return RS_OK;
}
#include "bad_plugin.h"
