// SPDX-License-Identifier: Apache-2.0
// Plugins of the server, and of the nodes that have one of the same name.
import { body, client, type Schemas } from "@/api/client";
import { liveResource } from "@/composables/liveResource";

export type Plugin = Schemas["Plugin"];

const plugins = liveResource<Plugin[]>(async () => (await body(client.GET("/api/plugins"))).plugins, {
  concerns: (event) => event.type === "plugins_changed",
});

export const usePlugins = () => plugins();

export const readPlugin = (name: string) =>
  body(client.GET("/api/plugins/{name}", { params: { path: { name } } }));

export const unquarantine = (name: string) =>
  body(client.POST("/api/plugins/{name}/unquarantine", { params: { path: { name } } }));

export const unquarantineOn = (node: string, name: string) =>
  body(
    client.POST("/api/nodes/{id}/plugins/{name}/unquarantine", { params: { path: { id: node, name } } }),
  );
