/* SPDX-License-Identifier: Apache-2.0 */
/* Its descriptor is prose. */
#define BAD_DESCRIPTOR "I am a detector, honestly"
#include "bad_plugin.h"
