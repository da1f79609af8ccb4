// SPDX-License-Identifier: Apache-2.0
// A list whose entries open in a dialog: what is open stands in the address (`?role=web`, `?new`),
// so that it can be sent to a colleague and the way back closes it.
import { computed } from "vue";
import { useRoute, useRouter } from "vue-router";

export function useOpenInAddress(name: string) {
  const route = useRoute();
  const router = useRouter();
  const set = (query: Record<string, string>) => void router.replace({ query });
  return {
    // The entry that is open; "" for a new one, null for none.
    open: computed(() => (route.query.new !== undefined ? "" : typeof route.query[name] === "string" ? (route.query[name] as string) : null)),
    show: (entry: string) => set({ [name]: entry }),
    create: () => set({ new: "" }),
    close: () => set({}),
  };
}
