/* SPDX-License-Identifier: Apache-2.0 */
/* Logs without end in a call. */
#include <rolesync/abi.h>
#define BAD_CALL
#define BAD_CREATE
#include <stdlib.h>
static const rs_host* our_host;
static int32_t create(const rs_host* host, const char* kind, const char* id, const char* config,
                      size_t size, void** instance, const rs_sink* out) {
  (void)kind, (void)id, (void)config, (void)size, (void)out;
  our_host = host;
  *instance = malloc(1);
  return RS_OK;
}
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size, (void)out;
  while (our_host) our_host->log(our_host->ctx, RS_LOG_DEBUG, "and another thing", 17);
  return RS_FAILED;
}
#include "bad_plugin.h"
