/* SPDX-License-Identifier: Apache-2.0 */
/* Says that it cannot describe itself. */
#define BAD_DESCRIBE
#include <rolesync/abi.h>
static int32_t describe(const rs_sink* out) {
  (void)out;
  return RS_FAILED;
}
#include "bad_plugin.h"
