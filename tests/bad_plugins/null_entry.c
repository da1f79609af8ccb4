/* SPDX-License-Identifier: Apache-2.0 */
/* The exported pointer points nowhere. */
#include <rolesync/abi.h>
const rs_plugin* const rolesync_plugin = 0;
