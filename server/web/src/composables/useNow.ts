// SPDX-License-Identifier: Apache-2.0
// The time, once a second, for everything that says how long ago something was.
import { readonly, ref } from "vue";

const now = ref(Date.now());
setInterval(() => (now.value = Date.now()), 1_000);

export function useNow() {
  return readonly(now);
}
