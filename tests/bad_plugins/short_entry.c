/* SPDX-License-Identifier: Apache-2.0 */
/* Its struct lacks the last functions. */
#define BAD_STRUCT_SIZE (sizeof(rs_plugin) - sizeof(void*))
#include "bad_plugin.h"
