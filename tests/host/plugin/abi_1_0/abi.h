/* SPDX-License-Identifier: Apache-2.0 */
/* sdk/include/rolesync/abi.h as it was released as ABI 1.0. Frozen: never edited again, so that the
 * plugin beside it stays what a plugin of that time is. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define RS_ABI_MAGIC 0x52534c50u /* "RSLP" */
#define RS_ABI_MAJOR 1u          /* bumped when anything below changes its meaning */
#define RS_ABI_MINOR 0u          /* bumped when a field is appended */

#if defined(_WIN32)
#define RS_EXPORT __declspec(dllexport)
#else
#define RS_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Outcome of every call, in both directions. With anything but RS_OK the sink holds an error
 * object: {"reason": "snake_case", "message": "one sentence", "hint": "what to do"}. */
enum rs_status {
  RS_OK = 0,
  RS_INVALID = 1,     /* the request is wrong; repeating it is useless */
  RS_NOT_FOUND = 2,   /* what it names does not exist */
  RS_UNSUPPORTED = 3, /* no such method or service here */
  RS_TRANSIENT = 4,   /* may work later: busy, network, disk full */
  RS_CANCELLED = 5,   /* the host asked to stop */
  RS_FAILED = 6       /* everything else */
};

enum rs_log_level { RS_LOG_DEBUG = 0, RS_LOG_INFO = 1, RS_LOG_WARNING = 2, RS_LOG_ERROR = 3 };

typedef struct rs_sink {
  void* ctx;
  void (*write)(void* ctx, const char* data, size_t size); /* copies; appends; this call only */
} rs_sink;

/* Given to an instance at create; outlives it. Any thread, but `call` only while a call into the
 * instance is running. */
typedef struct rs_host {
  uint32_t struct_size;
  uint16_t abi_major, abi_minor;
  void* ctx;
  void (*log)(void* ctx, int32_t level, const char* text, size_t size);
  int32_t (*call)(void* ctx, const char* service, const char* json, size_t size,
                  const rs_sink* out);
} rs_host;

/* One per library, constant-initialised, never freed. */
typedef struct rs_plugin {
  uint32_t magic, struct_size;
  uint16_t abi_major, abi_minor;
  uint32_t reserved;
  const char* build_id; /* compiler and SDK version, for people */

  /* The descriptor. No side effects; any thread; called before everything else. */
  int32_t (*describe)(const rs_sink* out);

  /* An instance of one (kind, id) of the descriptor. `config` is a JSON object. With
   * "threads": "parallel" in the descriptor the host may make several and use them at once. */
  int32_t (*create)(const rs_host* host, const char* kind, const char* id, const char* config,
                    size_t size, void** instance, const rs_sink* out);

  /* One call at a time per instance, from changing threads. */
  int32_t (*call)(void* instance, const char* method, const char* json, size_t size,
                  const rs_sink* out);

  /* After the last call has returned. */
  void (*destroy)(void* instance);
} rs_plugin;

/* The one exported name: a pointer, which is what Boost.DLL calls an alias. */
extern RS_EXPORT const rs_plugin* const rolesync_plugin;

#ifdef __cplusplus
}
#endif
