// SPDX-License-Identifier: Apache-2.0
// Who changed what: the log page by page, as a file, and whether it is whole.
import { body, client, type Schemas } from "@/api/client";
import { problemFrom } from "@/api/problem";
import { usePaged } from "@/composables/usePaged";

export type AuditEntry = Schemas["AuditEntry"];
export interface AuditFilter {
  actor?: string;
  action?: string;
  subject?: string;
  since?: string;
  until?: string;
}

// Every change is logged, so every event may have brought an entry.
export const useAudit = (filter: () => AuditFilter) =>
  usePaged<AuditEntry>(async (page_token) => {
    const answer = await body(client.GET("/api/audit", { params: { query: { ...filter(), limit: 100, ...(page_token ? { page_token } : {}) } } }));
    const page = answer as Exclude<typeof answer, string>; // JSON was asked for
    return { items: page.entries, next: page.next_page_token };
  }, () => true);

export const verifyAudit = () => body(client.GET("/api/audit/verify"));

// All entries that the filter lets through, oldest first, one JSON object a line.
export async function exportAudit(filter: AuditFilter): Promise<Blob> {
  const parts: string[] = [];
  let token: string | null = null;
  do {
    const query = new URLSearchParams({ ...filter, sort: "sequence", limit: "500", ...(token ? { page_token: token } : {}) });
    const answer: Response = await fetch(`/api/audit?${query}`, { headers: { Accept: "application/x-ndjson" } });
    if (!answer.ok) throw problemFrom(answer.status, await answer.json().catch(() => null));
    parts.push(await answer.text());
    token = answer.headers.get("Next-Page-Token");
  } while (token);
  return new Blob(parts, { type: "application/x-ndjson" });
}
