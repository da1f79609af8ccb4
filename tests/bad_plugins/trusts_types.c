/* SPDX-License-Identifier: Apache-2.0 */
/* Aborts when the role of a request is no object. */
#include <rolesync/abi.h>
#define BAD_CALL
#include <stdlib.h>
#include <string.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  char* text = strndup(json, size);
  if (!strstr(text, "\"role\":{")) abort();
  free(text);
  out->write(out->ctx, "{}", 2);
  return RS_OK;
}
#include "bad_plugin.h"
