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
  let silence: (() => void) | null = null;

  let took = 0;

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

  function soon() {
    timer ??= setTimeout(() => {
      timer = undefined;
      void reload();
    }, Math.max(options.quietMilliseconds ?? 400, Math.min(4 * took, 10_000)));
  }

  // For setup(): follows events as long as a component that uses it is there.
  return function use(): Live<T> {
    if (users++ === 0) {
      silence = useEvents().listen((event) => {
        if ((event.type as string) === "gap" || options.concerns(event)) soon();
      });
    }
    void reload();
    onScopeDispose(() => {
      if (--users > 0) return;
      silence?.();
      clearTimeout(timer);
      timer = undefined;
    });
    return { data, problem, loadedAt, reload };
  };
}
