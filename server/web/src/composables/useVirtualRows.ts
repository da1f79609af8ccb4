// SPDX-License-Identifier: Apache-2.0
// Only the rows of a long table that can be seen, between two spacers. All rows have one height.
// Looks at the scroll position once per frame and not at the layout, and moves in steps, so that
// most frames of a scroll change nothing in the document.
import { useElementSize, useEventListener } from "@vueuse/core";
import { computed, onScopeDispose, ref, type Ref } from "vue";

const spare = 8; // rows above and below of what is seen
const step = 4; // rows that come at once

export function useVirtualRows<T>(rows: Ref<readonly T[]>, box: Ref<HTMLElement | null>, rowHeight: number) {
  const { height } = useElementSize(box);
  const top = ref(0); // the first row that is seen
  let frame = 0;
  useEventListener(box, "scroll", () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      top.value = Math.floor((box.value?.scrollTop ?? 0) / rowHeight);
    });
  }, { passive: true });
  onScopeDispose(() => cancelAnimationFrame(frame));

  const many = computed(() => Math.ceil((height.value || 800) / rowHeight) + 1);
  const first = computed(() => {
    const at = Math.min(top.value, Math.max(0, rows.value.length - many.value));
    return Math.max(0, Math.floor((at - spare) / step) * step);
  });
  const last = computed(() => Math.min(rows.value.length, first.value + many.value + 2 * spare + step));
  return {
    first,
    shown: computed(() => rows.value.slice(first.value, last.value)),
    above: computed(() => first.value * rowHeight),
    below: computed(() => (rows.value.length - last.value) * rowHeight),
  };
}
