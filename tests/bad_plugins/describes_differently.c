/* SPDX-License-Identifier: Apache-2.0 */
/* Describes itself in other words each time. */
#include <rolesync/abi.h>
#define BAD_DESCRIBE
#include <stdio.h>
static int32_t describe(const rs_sink* out) {
  static int times;
  char text[200];
  const int size =
      snprintf(text, sizeof text,
               "{\"name\": \"bad\", \"version\": \"1.0.%d\", \"provides\": [{\"kind\": "
               "\"detector\", \"id\": \"bad\"}]}",
               ++times);
  out->write(out->ctx, text, (size_t)size);
  return RS_OK;
}
#include "bad_plugin.h"
