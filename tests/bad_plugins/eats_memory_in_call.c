/* SPDX-License-Identifier: Apache-2.0 */
/* Takes more and more memory in one call that does not end. */
#include <rolesync/abi.h>
#define BAD_CALL
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size, (void)out;
  void* volatile kept;
  while ((kept = malloc(4 << 20))) {
    memset(kept, 1, 4 << 20);
    usleep(2000);
  }
  return RS_TRANSIENT;
}
#include "bad_plugin.h"
