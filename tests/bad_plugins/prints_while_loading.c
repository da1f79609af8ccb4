/* SPDX-License-Identifier: Apache-2.0 */
/* Prints to stdout from its initialiser, where the probe's answer is expected. */
#include <stdio.h>
#include "bad_plugin.h"
__attribute__((constructor)) static void start(void) {
  puts("{\"descriptor\": \"{}\"}");
  fflush(stdout);
}
