// SPDX-License-Identifier: Apache-2.0
// The targets of a plan stand in its address, so that a plan can be sent to a colleague:
// role, node (repeatable), commit, restart, first_install.
import { computed } from "vue";
import { useRoute, useRouter, type LocationQueryValue } from "vue-router";
import type { PlanRequest } from "@/composables/useCodeSync";

function list(value: LocationQueryValue | LocationQueryValue[] | undefined): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item): item is string => !!item);
}

export function usePlanQuery() {
  const route = useRoute();
  const router = useRouter();

  const request = computed<PlanRequest>(() => {
    const roles = list(route.query.role);
    const nodes = list(route.query.node);
    const [commit] = list(route.query.commit);
    const [restart] = list(route.query.restart);
    const [first] = list(route.query.first_install);
    return {
      ...(roles.length > 0 ? { roles } : {}),
      ...(nodes.length > 0 ? { nodes } : {}),
      ...(commit ? { commit } : {}),
      ...(restart === "always" || restart === "never" ? { restart } : {}),
      ...(first === "overlay" || first === "adopt" ? { first_install: first } : {}),
    } as PlanRequest;
  });

  function change(name: string, values: string[]) {
    const query = { ...route.query, [name]: values };
    if (values.length === 0) delete query[name];
    void router.replace({ query });
  }
  function toggle(name: "role" | "node", value: string) {
    const now = list(route.query[name]);
    change(name, now.includes(value) ? now.filter((item) => item !== value) : [...now, value]);
  }
  return { request, change, toggle };
}
