/* SPDX-License-Identifier: Apache-2.0 */
/* Exports a symbol besides its door. */
#include "bad_plugin.h"
int a_name_that_others_may_have(void) {
  return 1;
}
