// SPDX-License-Identifier: Apache-2.0
// Only the rows of a long table that can be seen, between two spacers. All rows have one height.
import { useElementSize, useScroll } from "@vueuse/core";
import { computed, type Ref } from "vue";

export function useVirtualRows<T>(rows: Ref<readonly T[]>, box: Ref<HTMLElement | null>, rowHeight: number) {
  const { y } = useScroll(box);
  const { height } = useElementSize(box);
  const spare = 8;
  const first = computed(() => Math.max(0, Math.min(rows.value.length, Math.floor(y.value / rowHeight) - spare)));
  const last = computed(() => Math.min(rows.value.length, Math.ceil((y.value + (height.value || 800)) / rowHeight) + spare));
  return {
    first,
    shown: computed(() => rows.value.slice(first.value, last.value)),
    above: computed(() => first.value * rowHeight),
    below: computed(() => (rows.value.length - last.value) * rowHeight),
  };
}
