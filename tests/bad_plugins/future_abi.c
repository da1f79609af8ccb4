/* SPDX-License-Identifier: Apache-2.0 */
/* Built for a later major version of the door. */
#define BAD_ABI_MAJOR (RS_ABI_MAJOR + 1)
#include "bad_plugin.h"
