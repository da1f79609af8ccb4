/* SPDX-License-Identifier: Apache-2.0 */
/* Declares a limit of one second, and takes longer. */
#include <rolesync/abi.h>
#define BAD_CALL
#define BAD_DESCRIPTOR                                                     \
  "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": " \
  "\"detector\", \"id\": \"bad\", \"timeouts\": {\"detect\": 1}}]}"
#include <unistd.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  usleep(1500000);
  out->write(out->ctx, "{}", 2);
  return RS_OK;
}
#include "bad_plugin.h"
