/* SPDX-License-Identifier: Apache-2.0 */
/* Starts a thread with its instance and does not end it with it. */
#include <rolesync/abi.h>
#define BAD_CREATE
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static void* for_ever(void* nothing) {
  for (;;) sleep(3600);
  return nothing;
}
static int32_t create(const rs_host* host, const char* kind, const char* id, const char* config,
                      size_t size, void** instance, const rs_sink* out) {
  (void)host, (void)kind, (void)id, (void)config, (void)size, (void)out;
  pthread_t thread;
  *instance = malloc(1);
  return pthread_create(&thread, NULL, for_ever, NULL) == 0 ? RS_OK : RS_FAILED;
}
#include "bad_plugin.h"
