// SPDX-License-Identifier: Apache-2.0
// Something a person does: one at a time, and what went wrong is kept until the next.
import { ref, shallowRef } from "vue";
import { asProblem, type Problem } from "@/api/problem";

export function useAction() {
  const busy = ref("");
  const problem = shallowRef<Problem | null>(null);
  // True when it was done.
  async function act(work: () => Promise<unknown>, name = "busy"): Promise<boolean> {
    busy.value = name;
    problem.value = null;
    try {
      await work();
      return true;
    } catch (error) {
      problem.value = asProblem(error);
      return false;
    } finally {
      busy.value = "";
    }
  }
  return { busy, problem, act };
}
