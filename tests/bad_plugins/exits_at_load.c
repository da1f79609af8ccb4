/* SPDX-License-Identifier: Apache-2.0 */
/* Its initialiser leaves, politely, with exit code 0. */
#include "bad_plugin.h"
__attribute__((constructor)) static void start(void) {
  exit(0);
}
