/* SPDX-License-Identifier: Apache-2.0 */
/* A role that differs every time it is asked for. */
#include <rolesync/abi.h>
#define BAD_CALL
#define BAD_DESCRIPTOR                                                     \
  "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": " \
  "\"role\", \"id\": \"bad\"}]}"
#include <stdio.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  static int times;
  char spec[64];
  const int length =
      snprintf(spec, sizeof spec, "{\"role_name\": \"bad\", \"order\": %d}", ++times);
  out->write(out->ctx, spec, (size_t)length);
  return RS_OK;
}
#include "bad_plugin.h"
