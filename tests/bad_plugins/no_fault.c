/* SPDX-License-Identifier: Apache-2.0 */
/* The control: nothing is wrong with this one. */
#include "bad_plugin.h"
