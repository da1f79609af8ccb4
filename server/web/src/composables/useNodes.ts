// SPDX-License-Identifier: Apache-2.0
// Machines that have joined, one of them in full, and which roles it has.
import { actionKey, body, client, tagged, type Schemas } from "@/api/client";
import { liveResource } from "@/composables/liveResource";
import { usePaged } from "@/composables/usePaged";
import type { NodeQuery } from "@/domain/nodeQuery";

export type NodeDetail = Schemas["NodeDetail"];
export type NodeRoles = Schemas["NodeRoles"];

// Nodes page by page, as the server filters and sorts them.
export const useNodePages = (query: () => NodeQuery) =>
  usePaged<Schemas["Node"]>(async (page_token) => {
    const page = await body(client.GET("/api/nodes", { params: { query: { ...query(), limit: 100, ...(page_token ? { page_token } : {}) } } }));
    return { items: page.nodes, next: page.next_page_token };
  }, (event) => /^(node_|clone_|credential_)/.test(event.type));

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

export const drainNode = (id: string, reason: string) =>
  body(client.POST("/api/nodes/{id}/drain", { params: { path: { id } }, body: { reason } }));
export const undrainNode = (id: string) => body(client.POST("/api/nodes/{id}/undrain", { params: { path: { id } } }));

export const makeJoinToken = (node: string) =>
  body(client.POST("/api/join-tokens", { body: { node_id: node } as never }));

export const saveLabels = (id: string, labels: Record<string, string>) =>
  body(client.PUT("/api/nodes/{id}/labels", { params: { path: { id }, header: { "If-Match": "*" } }, body: { labels } }));

export const restartRole = (id: string, role: string) =>
  body(client.POST("/api/nodes/{id}/roles/{role}/restart", { params: { path: { id, role } }, headers: actionKey() }));

export const verifyRole = (id: string, role: string) =>
  body(client.POST("/api/nodes/{id}/verify", { params: { path: { id } }, body: { role } }));

export const identifyRole = (id: string, role: string) =>
  body(client.POST("/api/nodes/{id}/identify", { params: { path: { id } }, body: { role } }));

export const adoptRole = (id: string, role: string, commit: string | null) =>
  body(client.POST("/api/nodes/{id}/adopt", { params: { path: { id } }, body: { role, ...(commit ? { commit } : {}) } }));
