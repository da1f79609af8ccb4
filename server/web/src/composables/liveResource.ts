// SPDX-License-Identifier: Apache-2.0
// Data of the server that stays true: read when somebody looks, read again soon after an event
// that concerns it, never more than one request at a time, and the less often the longer an answer
// takes (the matrix of thousands of nodes is large). Held once per page, not per component.
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { asProblem, type Problem } from "@/api/problem";
import { useEvents, type ServerEvent } from "@/composables/useEvents";

export interface Live<T> {
  data: ShallowRef<T | null>;
  problem: ShallowRef<Problem | null>;
  loadedAt: Ref<number>;
  reload: () => Promise<void>;
}

export interface LiveOptions {
  // Which events make the data old.
  concerns: (event: ServerEvent) => boolean;
  // At most one request in this time, however many events come.
  quietMilliseconds?: number;
}

export function liveResource<T>(load: () => Promise<T>, options: LiveOptions) {
  const data = shallowRef<T | null>(null);
  const problem = shallowRef<Problem | null>(null);
  const loadedAt = ref(0);
  let users = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let loading: Promise<void> | null = null;
  let again = false;
  let ahead = false;
  let silence: (() => void) | null = null;

  let took = 0;
  let due = 0;

  async function read() {
    const begin = Date.now();
    try {
      data.value = await load();
      problem.value = null;
      loadedAt.value = Date.now();
    } catch (error) {
      problem.value = asProblem(error);
    }
    took = Date.now() - begin;
  }

  function reload(): Promise<void> {
    if (loading) {
      again = true;
      return loading;
    }
    loading = read().finally(() => {
      loading = null;
      if (again) {
        again = false;
        soon();
      }
    });
    return loading;
  }

  function soon(wait = options.quietMilliseconds ?? 400) {
    const at = Date.now() + Math.max(wait, Math.min(4 * took, 10_000));
    if (timer && due <= at) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => {
      timer = undefined;
      void reload();
    }, at - Date.now());
  }

  // For setup(): follows events as long as a component that uses it is there. What is being asked
  // for already, or was asked for before anybody could use it (ahead), is not asked for again.
  function use(): Live<T> {
    if (users++ === 0) {
      silence = useEvents().listen((event) => {
        const type: string = event.type;
        if (type === "connected") soon(2_000);
        else if (type === "gap" || options.concerns(event)) soon();
      });
    }
    if (!loading && !(ahead && data.value !== null)) void reload();
    ahead = false;
    onScopeDispose(() => {
      if (--users > 0) return;
      silence?.();
      clearTimeout(timer);
      timer = undefined;
    });
    return { data, problem, loadedAt, reload };
  }
  // Asks before the first component is there, so that nobody waits for one answer after another.
  use.ahead = () => {
    if (users > 0 || loading) return;
    ahead = true;
    void reload();
  };
  return use;
}
