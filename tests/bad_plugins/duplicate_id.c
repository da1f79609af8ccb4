/* SPDX-License-Identifier: Apache-2.0 */
/* Claims the id and version of a plugin that is already there. */
#define BAD_DESCRIPTOR                                                                           \
  "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": \"detector\", \"id\": " \
  "\"sample\"}]}"
#include "bad_plugin.h"
