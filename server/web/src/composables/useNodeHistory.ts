// SPDX-License-Identifier: Apache-2.0
// What a node said about itself over time, as far as this browser has heard it: the server keeps
// the newest heartbeat only. Kept while the page lives, for the nodes that were looked at.
import { useDocumentVisibility, useIntervalFn } from "@vueuse/core";
import { shallowRef, watch, type Ref, type ShallowRef } from "vue";
import { withSample, type Beat, type Sample } from "@/domain/history";

const kept = new Map<string, ShallowRef<readonly Sample[]>>();
const everyMilliseconds = 10_000; // a quiet agent says something every 25 s

// `beat`: the node as it was read last; `reload` reads it again.
export function useNodeHistory(id: string, beat: Ref<Beat | null>, reload: () => Promise<void>) {
  const samples = kept.get(id) ?? shallowRef<readonly Sample[]>([]);
  kept.set(id, samples);
  watch(beat, (now) => now && (samples.value = withSample(samples.value, now)), { immediate: true });
  const visible = useDocumentVisibility();
  useIntervalFn(() => visible.value === "visible" && void reload(), everyMilliseconds);
  return samples;
}
