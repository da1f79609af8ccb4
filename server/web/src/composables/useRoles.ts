// SPDX-License-Identifier: Apache-2.0
// Roles: what goes where, and changing that without overwriting what somebody else changed.
import { body, client, tagged, type Schemas, type Tagged } from "@/api/client";
import { liveResource } from "@/composables/liveResource";

export type Role = Schemas["Role"] & { role_name: string };

const roles = liveResource<Role[]>(async () => (await body(client.GET("/api/roles"))).roles as Role[], {
  concerns: (event) => ["role_changed", "commit_imported", "plugins_changed"].includes(event.type),
});

export const useRoles = () => roles();

export const readRole = (name: string) =>
  tagged(client.GET("/api/roles/{name}", { params: { path: { name } } })) as Promise<Tagged<Role>>;

export const createRole = (fields: Schemas["RoleFields"]) =>
  body(client.POST("/api/roles", { body: fields }));

export const saveRole = (name: string, etag: string, fields: Schemas["RoleFields"]) =>
  body(
    client.PUT("/api/roles/{name}", {
      params: { path: { name }, header: { "If-Match": etag } },
      body: fields,
    }),
  );

export const removeRole = (name: string, etag: string) =>
  body(
    client.DELETE("/api/roles/{name}", { params: { path: { name }, header: { "If-Match": etag } } }),
  );
