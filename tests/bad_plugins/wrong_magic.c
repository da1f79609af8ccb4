/* SPDX-License-Identifier: Apache-2.0 */
/* rolesync_plugin is there, but points at something else. */
#define BAD_MAGIC 0x12345678u
#include "bad_plugin.h"
