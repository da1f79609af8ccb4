// SPDX-License-Identifier: Apache-2.0
// API tokens: who has which, when each was last used, and its end.
import { body, client, type Schemas } from "@/api/client";
import { usePaged } from "@/composables/usePaged";

export type Token = Schemas["Token"];
export type Scope = Schemas["Scope"];

export const scopeWords: { name: Scope; what: string }[] = [
  { name: "read", what: "see everything" }, { name: "sync", what: "plan, pull, run plans, cancel" },
  { name: "approve", what: "plan and run in one step, approve" }, { name: "rollback", what: "roll back" },
  { name: "role:command", what: "roles with shell commands" }, { name: "notify", what: "announce commits" },
  { name: "admin", what: "everything, also tokens, roles and nodes" },
];

// `ended`: also those that can no longer be used.
export const useTokens = (ended: () => boolean) =>
  usePaged<Token>(async (page_token) => {
    const query = { limit: 100, ...(ended() ? {} : { revoked: false }), ...(page_token ? { page_token } : {}) };
    const page = await body(client.GET("/api/tokens", { params: { query } }));
    return { items: page.tokens, next: page.next_page_token };
  }, () => false);

export const makeToken = (fields: { name: string; scopes: Scope[]; roles?: string[]; nodes?: string[]; valid_seconds?: number }) =>
  body(client.POST("/api/tokens", { body: fields }));

export const revokeToken = (id: string) => body(client.DELETE("/api/tokens/{id}", { params: { path: { id } } }));
