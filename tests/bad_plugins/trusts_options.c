/* SPDX-License-Identifier: Apache-2.0 */
/* Aborts when its option is a negative number. */
#include <rolesync/abi.h>
#define BAD_CALL
#define BAD_DESCRIPTOR                                                     \
  "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": " \
  "\"restart_strategy\", \"id\": \"bad\", \"options\": {\"wait\": {\"type" \
  "\": \"integer\", \"minimum\": 0, \"default\": 1}}}]}"
#include <stdlib.h>
#include <string.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  char* text = strndup(json, size);
  if (strstr(text, "\"wait\":\"-")) abort();
  free(text);
  out->write(out->ctx, "{}", 2);
  return RS_OK;
}
#include "bad_plugin.h"
