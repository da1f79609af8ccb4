/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a forged answer to stdout in a call. */
#include <rolesync/abi.h>
#define BAD_CALL
#include "fine.h"
#include <stdio.h>
#include <unistd.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size, (void)out;
  static const char forged[] = "{\"result\": \"forged\"}\n";
  (void)!write(1, forged, sizeof forged - 1);
  out->write(out->ctx, FINE, sizeof FINE - 1);
  return RS_OK;
}
#include "bad_plugin.h"
