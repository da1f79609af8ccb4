/* SPDX-License-Identifier: Apache-2.0 */
/* Wants a service that no host has. */
#define BAD_DESCRIPTOR                                                                           \
  "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": \"detector\", \"id\": " \
  "\"bad\", \"needs\": [\"root.shell\"]}]}"
#include "bad_plugin.h"
