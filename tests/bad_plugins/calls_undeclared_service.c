/* SPDX-License-Identifier: Apache-2.0 */
/* Uses a service that its descriptor does not declare. */
#include <rolesync/abi.h>
#define BAD_CALL
#define BAD_CREATE
static const rs_host* the_host;
static int32_t create(const rs_host* host, const char* kind, const char* id, const char* config,
                      size_t size, void** instance, const rs_sink* out) {
  (void)kind, (void)id, (void)config, (void)size, (void)out;
  the_host = host;
  *instance = __builtin_malloc(1);
  return RS_OK;
}
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size, (void)out;
  return the_host->call(the_host->ctx, "process.run", "{\"argv\": [\"true\"]}", 18, out);
}
#include "bad_plugin.h"
