/* SPDX-License-Identifier: Apache-2.0 */
/* Its initialiser ends the process. */
#include "bad_plugin.h"
__attribute__((constructor)) static void start(void) {
  abort();
}
