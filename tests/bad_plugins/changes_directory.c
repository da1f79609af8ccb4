/* SPDX-License-Identifier: Apache-2.0 */
/* Changes the working directory of its process when it is loaded. */
#include <unistd.h>
#include "bad_plugin.h"
__attribute__((constructor)) static void start(void) {
  if (chdir("/proc") != 0) _exit(1);
}
