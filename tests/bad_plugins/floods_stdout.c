/* SPDX-License-Identifier: Apache-2.0 */
/* Prints without end in a call. */
#include <rolesync/abi.h>
#define BAD_CALL
#include <unistd.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size, (void)out;
  static const char noise[] = "a line that nobody asked for\n";
  while (write(1, noise, sizeof noise - 1) > 0) continue;
  return RS_FAILED;
}
#include "bad_plugin.h"
