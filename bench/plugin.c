/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin that does nothing but answer, so that what is measured is the way to it and back. */
#include <rolesync/abi.h>
#include <string.h>

static int32_t say(const rs_sink* out, const char* json) {
  out->write(out->ctx, json, strlen(json));
  return RS_OK;
}
static int32_t describe(const rs_sink* out) {
  return say(out, "{\"name\": \"" BENCH_ID "\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": "
                  "\"detector\", \"id\": \"" BENCH_ID "\", \"summary\": \"for measuring\"}]}");
}
static int32_t create(const rs_host* host, const char* kind, const char* id, const char* config,
                      size_t size, void** instance, const rs_sink* out) {
  (void)host, (void)kind, (void)id, (void)config, (void)size, (void)out;
  *instance = (void*)"instance";
  return RS_OK;
}
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)method, (void)json, (void)size;
  return say(out, "{\"state\": \"active\", \"health\": \"healthy\", \"reason\": \"\"}");
}
static void destroy(void* instance) {
  (void)instance;
}
static const rs_plugin entry = {RS_ABI_MAGIC, sizeof entry, RS_ABI_MAJOR, RS_ABI_MINOR, 0,
                                "bench",      describe,     create,       call,         destroy};
RS_EXPORT const rs_plugin* const rolesync_plugin = &entry;
