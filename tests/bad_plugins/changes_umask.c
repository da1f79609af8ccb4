/* SPDX-License-Identifier: Apache-2.0 */
/* Sets the umask of its process when it is loaded. */
#include <sys/stat.h>
#include "bad_plugin.h"
__attribute__((constructor)) static void start(void) {
  umask(0);
}
