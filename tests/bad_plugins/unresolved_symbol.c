/* SPDX-License-Identifier: Apache-2.0 */
/* Calls a function that nobody provides; lazy binding would find out in the middle of a call. */
#include <rolesync/abi.h>
#define BAD_CALL
int function_that_nobody_provides(void);
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size, (void)out;
  return function_that_nobody_provides();
}
#include "bad_plugin.h"
