// SPDX-License-Identifier: Apache-2.0
// A list that the server gives page by page: the first ones now, more on demand, and read again
// from the start (as many as are shown) after an event that concerns it.
import { onScopeDispose, ref, shallowRef } from "vue";
import { asProblem, type Problem } from "@/api/problem";
import { useEvents, type ServerEvent } from "@/composables/useEvents";

export interface Page<T> {
  items: readonly T[];
  next: string | null | undefined;
}

export function usePaged<T>(read: (pageToken?: string) => Promise<Page<T>>, concerns: (event: ServerEvent) => boolean) {
  const items = shallowRef<readonly T[]>([]);
  const next = ref<string | null>(null);
  const loaded = ref(false);
  const loading = ref(false);
  const problem = shallowRef<Problem | null>(null);
  let turn = 0; // of the newest request; what an older one brings is not wanted any more

  async function from(begun: readonly T[], token: string | undefined, atLeast: number) {
    const mine = ++turn;
    loading.value = true;
    let found = begun;
    try {
      do {
        const page: Page<T> = await read(token);
        if (mine !== turn) return;
        found = [...found, ...page.items];
        token = page.next ?? undefined;
      } while (token && found.length < atLeast);
      items.value = found;
      next.value = token ?? null;
      problem.value = null;
      loaded.value = true;
    } catch (error) {
      if (mine === turn) problem.value = asProblem(error);
    } finally {
      if (mine === turn) loading.value = false;
    }
  }

  const reload = () => from([], undefined, items.value.length);
  const more = () => from(items.value, next.value ?? undefined, items.value.length + 1);
  // For other filters: what was shown is no measure of how much is wanted.
  function restart() {
    items.value = [];
    loaded.value = false;
    return from([], undefined, 1);
  }

  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = useEvents().listen((event) => {
    const type: string = event.type;
    if (type !== "connected" && type !== "gap" && !concerns(event)) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      void reload();
    }, 1_000);
  });
  onScopeDispose(() => {
    silence();
    clearTimeout(timer);
    turn += 1;
  });
  void restart();
  return { items, next, loaded, loading, problem, reload, more, restart };
}
