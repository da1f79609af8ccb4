// SPDX-License-Identifier: Apache-2.0
// What a job's page counts and in which order it shows tasks. Pure.
import type { Schemas } from "@/api/client";

export type Task = Schemas["Task"];

const failedStates = new Set(["failed", "rolled_back", "rollback_failed"]);
const doneStates = new Set(["succeeded", "skipped", "cancelled"]);
const waitingStates = new Set(["pending", "staged"]);

export type Part = "failed" | "running" | "waiting" | "done";

export function partOf(state: string): Part {
  if (failedStates.has(state)) return "failed";
  if (doneStates.has(state)) return "done";
  return waitingStates.has(state) ? "waiting" : "running";
}

export type FourNumbers = Record<Part, number>;

export function fourNumbers(counts: Readonly<Record<string, number>>): FourNumbers {
  const numbers: FourNumbers = { failed: 0, running: 0, waiting: 0, done: 0 };
  for (const [state, many] of Object.entries(counts)) numbers[partOf(state)] += many;
  return numbers;
}

const order: Part[] = ["failed", "running", "waiting", "done"];

// Errors first, then what runs, waits, is done; by node and role within.
export function inOrder(tasks: readonly Task[]): Task[] {
  const rank = (task: Task) => order.indexOf(partOf(task.state));
  return [...tasks].sort(
    (a, b) => rank(a) - rank(b) || a.node_id.localeCompare(b.node_id) || a.role_name.localeCompare(b.role_name),
  );
}

export const taskSteps = ["fetch", "verify", "pre_sync", "drain", "activate", "post_sync", "restart", "health", "undrain", "report"] as const;
// Those that every task has; the others are shown when they come.
export const usualSteps: readonly string[] = ["fetch", "verify", "activate", "report"];

export type StepMark = "done" | "now" | "failed" | "none";

// What each step of a task came to, from its events.
export function stepMarks(task: Task): Record<string, StepMark> {
  const marks: Record<string, StepMark> = {};
  for (const step of taskSteps) marks[step] = "none";
  const last = task.steps[task.steps.length - 1];
  const wrong = partOf(task.state) === "failed" || task.state === "rolling_back";
  const culprit = wrong ? task.steps.find((event) => event.reason !== "") : undefined;
  for (const event of task.steps) {
    if (!(event.step in marks) || marks[event.step] === "failed") continue;
    if (event === culprit) marks[event.step] = "failed";
    else marks[event.step] = event === last && partOf(task.state) === "running" ? "now" : "done";
  }
  return marks;
}
