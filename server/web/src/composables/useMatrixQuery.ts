// SPDX-License-Identifier: Apache-2.0
// What the overview shows stands in its address: q (filter), group, cell (the open panel).
import { computed } from "vue";
import { useRoute, useRouter } from "vue-router";
import type { Grouping } from "@/domain/matrix";

export function useMatrixQuery() {
  const route = useRoute();
  const router = useRouter();
  const text = (name: string) => computed(() => (typeof route.query[name] === "string" ? (route.query[name] as string) : ""));

  function set(changes: Record<string, string>) {
    const query = { ...route.query, ...changes };
    for (const name of Object.keys(query)) if (!query[name]) delete query[name];
    void router.replace({ query });
  }

  const q = text("q");
  const group = text("group");
  const cell = text("cell");
  return {
    filter: computed({ get: () => q.value, set: (value: string) => set({ q: value }) }),
    grouping: computed({
      get: (): Grouping => (/^(role|state|label:.+)$/.test(group.value) ? (group.value as Grouping) : "none"),
      set: (value: Grouping) => set({ group: value === "none" ? "" : value }),
    }),
    // "node/role"
    open: computed({ get: () => cell.value, set: (value: string) => set({ cell: value }) }),
  };
}
