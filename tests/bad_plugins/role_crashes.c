/* SPDX-License-Identifier: Apache-2.0 */
/* A role that aborts when it is asked for its definition. */
#define BAD_DESCRIPTOR                                                                      \
  "{\"name\": \"role_crashes\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": \"role\", " \
  "\"id\": \"crashing\"}]}"
#define BAD_CALL
#include <rolesync/abi.h>
#include <stdlib.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size, (void)out;
  abort();
}
#include "bad_plugin.h"
