// SPDX-License-Identifier: Apache-2.0
// Light, dark, or as the system says; remembered in this browser.
import { useColorMode } from "@vueuse/core";

export function useTheme() {
  const mode = useColorMode({ storageKey: "rolesync-theme", disableTransition: false });
  const toggle = () => (mode.value = mode.value === "dark" ? "light" : "dark");
  return { mode, toggle };
}
