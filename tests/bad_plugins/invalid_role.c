/* SPDX-License-Identifier: Apache-2.0 */
/* A role whose target is no absolute path. */
#include <rolesync/abi.h>
#define BAD_CALL
#define BAD_DESCRIPTOR                                                     \
  "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": " \
  "\"role\", \"id\": \"bad\"}]}"
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  static const char spec[] =
      "{\"role_name\": \"bad\", \"source_paths\": [\"x\"], \"target_path\": \"x\"}";
  out->write(out->ctx, spec, sizeof spec - 1);
  return RS_OK;
}
#include "bad_plugin.h"
