/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin as it was built when the ABI was 1.0: plain C, the frozen header, and nothing of today's
 * SDK. With NEWER_MINOR it stands for one of the future: a later minor, and a longer entry. */
#include "abi.h"

#include <string.h>

static int32_t say(const rs_sink* out, const char* json) {
  out->write(out->ctx, json, strlen(json));
  return RS_OK;
}

static int32_t describe(const rs_sink* out) {
  return say(out,
             "{\"name\": \"of_old\", \"version\": \"1.0.0\", \"provides\": [{\"kind\": "
             "\"detector\", \"id\": \"of_old\", \"summary\": \"built for ABI 1.0\", \"needs\": "
             "[\"fs.exists\"], \"options\": {}}]}");
}

static const rs_host* asked;

static int32_t create(const rs_host* host, const char* kind, const char* id, const char* config,
                      size_t size, void** instance, const rs_sink* out) {
  (void)kind, (void)id, (void)config, (void)size, (void)out;
  if (host->struct_size < sizeof(rs_host) || host->abi_major != RS_ABI_MAJOR) return RS_FAILED;
  asked = host;
  *instance = (void*)&asked;
  return RS_OK;
}

/* Asks the host, so that the other direction of the door is walked through as well. */
static int32_t call(void* instance, const char* method, const char* json, size_t size,
                    const rs_sink* out) {
  (void)instance, (void)json, (void)size;
  if (strcmp(method, "detect") != 0) {
    say(out, "{\"reason\": \"method_unknown\", \"message\": \"no such method\"}");
    return RS_UNSUPPORTED;
  }
  static const char question[] = "{\"path\": \"/there\"}";
  return asked->call(asked->ctx, "fs.exists", question, sizeof question - 1, out);
}

static void destroy(void* instance) {
  (void)instance;
}

#ifdef NEWER_MINOR
static const struct {
  rs_plugin known;
  void (*appended)(void);
} entry = {{RS_ABI_MAGIC, sizeof entry, RS_ABI_MAJOR, RS_ABI_MINOR + 1, 0, "of tomorrow", describe,
            create, call, destroy},
           0};
#define DOOR (&entry.known)
#else
static const rs_plugin entry = {RS_ABI_MAGIC, sizeof entry, RS_ABI_MAJOR, RS_ABI_MINOR, 0,
                                "of ABI 1.0", describe,     create,       call,         destroy};
#define DOOR (&entry)
#endif

RS_EXPORT const rs_plugin* const rolesync_plugin = DOOR;
