/* SPDX-License-Identifier: Apache-2.0 */
/* Its descriptor names a kind that does not exist. */
#define BAD_DESCRIPTOR                                                                         \
  "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": \"wizard\", \"id\": " \
  "\"bad\"}]}"
#include "bad_plugin.h"
