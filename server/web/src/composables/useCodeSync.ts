// SPDX-License-Identifier: Apache-2.0
// Commits, plans and jobs: the way of a commit to the nodes.
import { computed, shallowRef } from "vue";
import { actionKey, body, client, type Schemas } from "@/api/client";
import { liveResource } from "@/composables/liveResource";

export type Commit = Schemas["ImportedCommit"];
export type Plan = Schemas["Plan"];
export type PlanRequest = Schemas["PlanRequest"];
export type Job = Schemas["Job"];
export type Task = Schemas["Task"];

const commits = liveResource<Commit[]>(
  async () => (await body(client.GET("/api/commits", { params: { query: { limit: 100 } } }))).commits,
  { concerns: (event) => event.type === "commit_imported" || event.type === "import_failed" },
);

const jobs = liveResource<Job[]>(
  async () => (await body(client.GET("/api/sync-jobs", { params: { query: { limit: 50 } } }))).jobs,
  { concerns: (event) => event.type === "job_changed" },
);

export const useCommits = () => commits();
export const useJobs = () => jobs();
export const askCommitsAhead = commits.ahead;

// One job with its tasks, live while it runs.
export function useJob(id: string) {
  return liveResource<Job>(
    () => body(client.GET("/api/sync-jobs/{id}", { params: { path: { id } } })),
    { concerns: (event) => event.job_id === id, quietMilliseconds: 250 },
  )();
}

// The newest commit of a list and the commits that a node has not got yet.
export function commitsBetween(list: readonly Commit[], from: string | null, to: string | null): Commit[] {
  const start = to ? list.findIndex((c) => c.commit === to) : 0;
  if (start < 0) return [];
  const end = from ? list.findIndex((c) => c.commit === from) : -1;
  return list.slice(start, end < 0 ? undefined : end);
}

export const makePlan = (request: PlanRequest) =>
  body(client.POST("/api/code-sync/plan", { body: request }));

// `override`: why freezes do not count; "" when they do.
export const approvePlan = (hash: string, onFailure: Schemas["OnFailure"], rollout: Schemas["RolloutOptions"], override: string) =>
  body(
    client.POST("/api/code-sync/sync", {
      body: {
        plan_hash: hash, on_failure: onFailure, ...(Object.keys(rollout).length > 0 ? { rollout } : {}),
        ...(override ? { override_freeze: override } : {}),
      },
      headers: actionKey(),
    }),
  );

export const cancelJob = (id: string) =>
  body(client.POST("/api/sync-jobs/{id}/cancel", { params: { path: { id } } }));

const ofJob = (id: string) => ({ params: { path: { id } } });
export const pauseJob = (id: string) => body(client.POST("/api/sync-jobs/{id}/pause", ofJob(id)));
export const resumeJob = (id: string) => body(client.POST("/api/sync-jobs/{id}/resume", ofJob(id)));
export const promoteJob = (id: string) => body(client.POST("/api/sync-jobs/{id}/promote", ofJob(id)));
export const skipNode = (id: string, node: string) => body(client.POST("/api/sync-jobs/{id}/skip", { ...ofJob(id), body: { node } }));

export const pullNow = () => body(client.POST("/api/code-sync/pull", { body: {} }));

export const setSource = (fields: Schemas["CodeSourceFields"]) =>
  body(client.PUT("/api/code-source", { params: { header: { "If-Match": "*" } }, body: fields }));

export function useCodeSync() {
  const listed = useCommits();
  const history = useJobs();
  const lastPull = shallowRef<Schemas["PullResult"] | null>(null);
  return {
    commits: listed,
    jobs: history,
    newest: computed(() => listed.data.value?.[0] ?? null),
    lastPull,
    async pull() {
      lastPull.value = await pullNow();
      await listed.reload();
    },
  };
}
