/* SPDX-License-Identifier: Apache-2.0 */
/* Never returns from a call. */
#include <rolesync/abi.h>
#define BAD_CALL
#include <unistd.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size, (void)out;
  while (pause() == -1) continue;
  return RS_OK;
}
#include "bad_plugin.h"
