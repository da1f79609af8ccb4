/* SPDX-License-Identifier: Apache-2.0 */
/* Takes a quarter of a second to describe itself. */
#include <rolesync/abi.h>
#define BAD_DESCRIBE
#include <string.h>
#include <unistd.h>
static int32_t describe(const rs_sink* out) {
  static const char text[] =
      "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": \"detector\", "
      "\"id\": \"bad\"}]}";
  usleep(250000);
  out->write(out->ctx, text, strlen(text));
  return RS_OK;
}
#include "bad_plugin.h"
