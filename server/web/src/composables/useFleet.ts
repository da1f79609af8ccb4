// SPDX-License-Identifier: Apache-2.0
// The role x node matrix, with sources and running jobs: what the overview and every page's header
// show. One request.
import { computed } from "vue";
import { body, client, type Schemas } from "@/api/client";
import { liveResource } from "@/composables/liveResource";

export type Fleet = Schemas["FleetStatus"];
export type Cell = Schemas["RoleOnNode"];

const use = liveResource<Fleet>(() => body(client.GET("/api/status")), {
  concerns: () => true,
  quietMilliseconds: 500,
});

export const askFleetAhead = use.ahead;

export function useFleet() {
  const live = use();
  return {
    ...live,
    fleet: live.data,
    cells: computed(() => live.data.value?.cells ?? []),
    nodes: computed(() => live.data.value?.nodes ?? []),
    roles: computed(() => live.data.value?.roles ?? []),
    source: computed(() => live.data.value?.sources[0] ?? null),
    running: computed(() => live.data.value?.jobs_running ?? []),
  };
}
