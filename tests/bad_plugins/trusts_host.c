/* SPDX-License-Identifier: Apache-2.0 */
/* Aborts when its host answers in another form. */
#include <rolesync/abi.h>
#define BAD_CALL
#define BAD_DESCRIPTOR                                                     \
  "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": " \
  "\"detector\", \"id\": \"bad\", \"needs\": [\"fs.exists\"]}]}"
#include <stdlib.h>
#include <string.h>
#define BAD_CREATE
static const rs_host* the_host;
static int32_t create(const rs_host* host, const char* kind, const char* id, const char* config,
                      size_t size, void** instance, const rs_sink* out) {
  (void)kind, (void)id, (void)config, (void)size, (void)out;
  the_host = host;
  *instance = malloc(1);
  return RS_OK;
}
static char reply[64];
static void keep(void* nothing, const char* data, size_t size) {
  (void)nothing;
  strncat(reply, data, size < 16 ? size : 16);
}
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  const rs_sink sink = {0, keep};
  reply[0] = 0;
  the_host->call(the_host->ctx, "fs.exists", "{\"path\": \"/\"}", 13, &sink);
  if (strcmp(reply, "true") && strcmp(reply, "false")) abort();
  out->write(out->ctx, "{}", 2);
  return RS_OK;
}
#include "bad_plugin.h"
