// SPDX-License-Identifier: Apache-2.0
// Machines that have joined, one of them in full, and which roles it has.
import { body, client, tagged, type Schemas } from "@/api/client";
import { liveResource } from "@/composables/liveResource";

export type NodeDetail = Schemas["NodeDetail"];
export type NodeRoles = Schemas["NodeRoles"];

export function useNode(id: string) {
  const path = { id };
  return liveResource<NodeDetail>(() => body(client.GET("/api/nodes/{id}", { params: { path } })), {
    concerns: (event) => event.node_id === id || event.type === "commit_imported",
  })();
}

export const readNodeRoles = (id: string) =>
  tagged(client.GET("/api/nodes/{id}/roles", { params: { path: { id } } }));

export const saveNodeRoles = (id: string, etag: string, roles: string[]) =>
  tagged(
    client.PUT("/api/nodes/{id}/roles", {
      params: { path: { id }, header: { "If-Match": etag } },
      body: { roles },
    }),
  );

export const removeNode = (id: string) =>
  body(client.DELETE("/api/nodes/{id}", { params: { path: { id } } }));

export const makeJoinToken = (node: string) =>
  body(client.POST("/api/join-tokens", { body: { node_id: node } as never }));
