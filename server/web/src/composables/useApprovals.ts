// SPDX-License-Identifier: Apache-2.0
// Jobs that wait until others have approved them, and the policies that say which do.
import { body, client, type Schemas } from "@/api/client";
import { liveResource } from "@/composables/liveResource";
import type { Job } from "@/composables/useCodeSync";

export type ApprovalPolicy = Schemas["ApprovalPolicy"];

const waiting = liveResource<Job[]>(
  async () => (await body(client.GET("/api/sync-jobs", { params: { query: { state: "awaiting_approval", limit: 100 } } }))).jobs,
  { concerns: (event) => event.type === "job_changed" },
);
const policies = liveResource<ApprovalPolicy[]>(
  async () => (await body(client.GET("/api/approval-policies", { params: { query: { limit: 500 } } }))).approval_policies,
  { concerns: () => false },
);

export const useWaitingJobs = () => waiting();
export const useApprovalPolicies = () => policies();

export const approveJob = (id: string, comment: string) =>
  body(client.POST("/api/sync-jobs/{id}/approve", { params: { path: { id } }, body: comment ? { comment } : {} }));

const anyVersion = { "If-Match": "*" }; // the list shows what counts; the last change wins
export const savePolicy = (name: string, fields: Partial<Pick<ApprovalPolicy, "roles" | "labels" | "approvals" | "approvers">>) =>
  body(client.PUT("/api/approval-policies/{name}", { params: { path: { name }, header: anyVersion }, body: fields as never }));
export const removePolicy = (name: string) =>
  body(client.DELETE("/api/approval-policies/{name}", { params: { path: { name }, header: anyVersion } }));
