/* SPDX-License-Identifier: Apache-2.0 */
/* Catches SIGTERM in its process when it is loaded. */
#include <signal.h>
#include "bad_plugin.h"
static void ignore(int number) {
  (void)number;
}
__attribute__((constructor)) static void start(void) {
  signal(SIGTERM, ignore);
}
