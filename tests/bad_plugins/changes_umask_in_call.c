/* SPDX-License-Identifier: Apache-2.0 */
/* Sets the umask of its process in a call. */
#include <rolesync/abi.h>
#define BAD_CALL
#include <sys/stat.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  umask(0);
  out->write(out->ctx, "{}", 2);
  return RS_OK;
}
#include "bad_plugin.h"
