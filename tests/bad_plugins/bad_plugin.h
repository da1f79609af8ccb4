/* SPDX-License-Identifier: Apache-2.0 */
/* A correct plugin in plain C (and C++), detector "bad"; each file here changes exactly one thing
 * by defining a macro or a function of its own before including this. */
#pragma once
#include <rolesync/abi.h>
#include <stdlib.h>
#include <string.h>

#include "fine.h"

#ifndef BAD_MAGIC
#define BAD_MAGIC RS_ABI_MAGIC
#endif
#ifndef BAD_ABI_MAJOR
#define BAD_ABI_MAJOR RS_ABI_MAJOR
#endif
#ifndef BAD_STRUCT_SIZE
#define BAD_STRUCT_SIZE sizeof(rs_plugin)
#endif
#ifndef BAD_DESCRIPTOR
#define BAD_DESCRIPTOR                                                                           \
  "{\"name\": \"bad\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": \"detector\", \"id\": " \
  "\"bad\"}]}"
#endif

static void write_text(const rs_sink* out, const char* text) {
  out->write(out->ctx, text, strlen(text));
}

#ifndef BAD_DESCRIBE
static int32_t describe(const rs_sink* out) {
  write_text(out, BAD_DESCRIPTOR);
  return RS_OK;
}
#endif

#ifndef BAD_CREATE
static int32_t create(const rs_host* host, const char* kind, const char* id, const char* config,
                      size_t size, void** instance, const rs_sink* out) {
  (void)host, (void)kind, (void)id, (void)config, (void)size, (void)out;
  *instance = malloc(1);
  return RS_OK;
}
#endif

#ifndef BAD_CALL
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  write_text(out, FINE);
  return RS_OK;
}
#endif

#ifndef BAD_NO_ENTRY
static const rs_plugin entry = {BAD_MAGIC,     BAD_STRUCT_SIZE, BAD_ABI_MAJOR, RS_ABI_MINOR, 0,
                                "bad_plugins", describe,        create,        call,         free};
#ifdef __cplusplus
extern "C"
#endif
    const rs_plugin* const rolesync_plugin = &entry;
#endif
