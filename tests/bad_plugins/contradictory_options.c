/* SPDX-License-Identifier: Apache-2.0 */
/* The only allowed value of its option is below the minimum. */
#define BAD_DESCRIPTOR                                                     \
  "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": " \
  "\"restart_strategy\", \"id\": \"bad\", \"options\": {\"x\": {\"type\":" \
  " \"integer\", \"enum\": [1], \"minimum\": 5, \"required\": true}}}]}"
#include "bad_plugin.h"
