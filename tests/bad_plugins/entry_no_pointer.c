/* SPDX-License-Identifier: Apache-2.0 */
/* rolesync_plugin is a function, not a pointer to a plugin: following it crashes. */
int rolesync_plugin(void) {
  return 1;
}
