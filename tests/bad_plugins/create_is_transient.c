/* SPDX-License-Identifier: Apache-2.0 */
/* Says "later" whenever an instance is to be made. */
#define BAD_CREATE
#include <rolesync/abi.h>
static int32_t create(const rs_host* host, const char* kind, const char* id, const char* config,
                      size_t size, void** instance, const rs_sink* out) {
  (void)host, (void)kind, (void)id, (void)config, (void)size, (void)instance, (void)out;
  return RS_TRANSIENT;
}
#include "bad_plugin.h"
