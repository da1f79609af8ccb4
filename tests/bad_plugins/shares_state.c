/* SPDX-License-Identifier: Apache-2.0 */
/* Declares itself parallel, but its instances share a buffer. */
#include <rolesync/abi.h>
#define BAD_CALL
#define BAD_DESCRIPTOR                                                     \
  "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": " \
  "\"detector\", \"id\": \"bad\", \"threads\": \"parallel\"}]}"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  static volatile int busy;
  if (__atomic_fetch_add(&busy, 1, __ATOMIC_SEQ_CST) != 0) abort();
  usleep(1000);
  __atomic_fetch_sub(&busy, 1, __ATOMIC_SEQ_CST);
  out->write(out->ctx, "{}", 2);
  return RS_OK;
}
#include "bad_plugin.h"
