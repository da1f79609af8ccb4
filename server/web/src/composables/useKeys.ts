// SPDX-License-Identifier: Apache-2.0
// Keys of the whole page: single ones ("?") and pairs ("g n"). Silent while somebody types.
import { useEventListener } from "@vueuse/core";

function typing(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element && (/^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) || element.isContentEditable);
}

export function useKeys(keys: Record<string, () => void>) {
  let before = "";
  let at = 0;
  useEventListener(window, "keydown", (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector(".el-overlay:not([style*='display: none'])")) return;
    const pair = Date.now() - at < 1_000 ? `${before} ${event.key}` : "";
    const action = keys[pair] ?? keys[event.key];
    before = event.key;
    at = Date.now();
    if (!action) return;
    event.preventDefault();
    action();
  });
}
