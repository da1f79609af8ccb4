/* SPDX-License-Identifier: Apache-2.0 */
/* Never describes itself. */
#include <unistd.h>
#define BAD_DESCRIBE
#include <rolesync/abi.h>
static int32_t describe(const rs_sink* out) {
  (void)out;
  while (pause() == -1) continue;
  return RS_OK;
}
#include "bad_plugin.h"
