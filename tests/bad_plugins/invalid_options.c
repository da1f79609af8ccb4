/* SPDX-License-Identifier: Apache-2.0 */
/* Declares an option of a type that does not exist. */
#define BAD_DESCRIPTOR                                                     \
  "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": " \
  "\"detector\", \"id\": \"bad\", \"options\": {\"x\": {\"type\": \"path"  \
  "\"}}}]}"
#include "bad_plugin.h"
