/* SPDX-License-Identifier: Apache-2.0 */
/* Takes memory for each instance and does not give it back. */
#include <rolesync/abi.h>
#define BAD_CREATE
#include <stdlib.h>
static void* volatile lost;
static int32_t create(const rs_host* host, const char* kind, const char* id, const char* config,
                      size_t size, void** instance, const rs_sink* out) {
  (void)host, (void)kind, (void)id, (void)config, (void)size, (void)out;
  lost = malloc(100);
  *instance = malloc(1);
  return RS_OK;
}
#include "bad_plugin.h"
