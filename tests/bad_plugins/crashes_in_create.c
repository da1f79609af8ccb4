/* SPDX-License-Identifier: Apache-2.0 */
/* Aborts when an instance is made. */
#include <rolesync/abi.h>
#define BAD_CREATE
#include <stdlib.h>
static int32_t create(const rs_host* host, const char* kind, const char* id, const char* config,
                      size_t size, void** instance, const rs_sink* out) {
  (void)host, (void)kind, (void)id, (void)config, (void)size, (void)instance, (void)out;
  abort();
}
#include "bad_plugin.h"
