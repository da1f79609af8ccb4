/* SPDX-License-Identifier: Apache-2.0 */
/* Never makes an instance of what its descriptor promises. */
#include <rolesync/abi.h>
#define BAD_CREATE
static int32_t create(const rs_host* host, const char* kind, const char* id, const char* config,
                      size_t size, void** instance, const rs_sink* out) {
  (void)host, (void)kind, (void)id, (void)config, (void)size, (void)instance, (void)out;
  return RS_NOT_FOUND;
}
#include "bad_plugin.h"
