// SPDX-License-Identifier: Apache-2.0
// How a sync goes over many nodes: what a form says as the API's options and as words of the
// command, and how much of what may fail has failed. Pure.
import type { Schemas } from "@/api/client";
import type { Task } from "@/domain/jobs";
import { wordsOf } from "@/domain/words";

export type RolloutOptions = Schemas["RolloutOptions"];
export type OnFailure = Schemas["OnFailure"];

export interface RolloutForm {
  batches: string; // "1 5 25%"
  canaries: string;
  promoteAfter: string;
  minHealthy: string;
  maxFailed: string;
  maxUnreachable: string;
  perLabel: string; // "rack=1"
  catchUp: string;
  onFailure: OnFailure;
}
export const noRollout: RolloutForm =
  { batches: "", canaries: "", promoteAfter: "", minHealthy: "", maxFailed: "", maxUnreachable: "", perLabel: "", catchUp: "", onFailure: "stop" };

type Field = Exclude<keyof RolloutForm, "onFailure">;
export const rolloutFields: { name: Field; label: string; help: string; example: string }[] = [
  { name: "batches", label: "Nodes at a time", help: "empty: all; several sizes are batches, each ends before the next begins", example: "1, 5, 25%" },
  { name: "canaries", label: "Canaries", help: "so many nodes go first, the others wait until somebody promotes", example: "1" },
  { name: "promoteAfter", label: "Promote by itself after (seconds)", help: "empty: only a person does", example: "600" },
  { name: "minHealthy", label: "Healthy for (seconds)", help: "a node counts as done after so long without a failing health check", example: "30" },
  { name: "maxFailed", label: "Nodes that may fail", help: "empty: none", example: "2%" },
  { name: "maxUnreachable", label: "Nodes that may be lost", help: "counted apart from failed ones; empty: none", example: "5%" },
  { name: "perLabel", label: "Of those with one value of a label", help: "label=amount", example: "rack=1" },
  { name: "catchUp", label: "Wait for nodes that are away (seconds)", help: "they hold up nobody and follow if they return", example: "3600" },
];

const amount = /^[0-9]+%?$/;
const seconds = /^[0-9]+$/;

// What is wrong with one field; "" when nothing is.
export function rolloutFault(name: Field, text: string): string {
  if (!text.trim()) return "";
  if (name === "batches") return wordsOf(text).every((size) => amount.test(size)) ? "" : "numbers or percentages, like 1, 5, 25%";
  if (name === "perLabel") return /^[^=\s]+=[0-9]+%?$/.test(text.trim()) ? "" : "label=amount, like rack=1";
  if (["canaries", "maxFailed", "maxUnreachable"].includes(name)) return amount.test(text.trim()) ? "" : "a number or a percentage";
  return seconds.test(text.trim()) ? "" : "a number of seconds";
}

export const anyFault = (form: RolloutForm): boolean => rolloutFields.some(({ name }) => rolloutFault(name, form[name]) !== "");

export function optionsOf(form: RolloutForm): RolloutOptions {
  const options: RolloutOptions = {};
  const text = (name: Field) => form[name].trim();
  if (text("batches")) options.batches = wordsOf(form.batches);
  if (text("canaries")) options.canaries = text("canaries");
  if (text("promoteAfter")) options.promote_after_seconds = Number(text("promoteAfter"));
  if (text("minHealthy")) options.min_healthy_seconds = Number(text("minHealthy"));
  if (text("maxFailed")) options.max_failed = text("maxFailed");
  if (text("maxUnreachable")) options.max_unreachable = text("maxUnreachable");
  if (text("perLabel")) [options.group_by, options.max_failed_per_group] = text("perLabel").split("=") as [string, string];
  if (text("catchUp")) options.catch_up_seconds = Number(text("catchUp"));
  return options;
}

export function rolloutWords(form: RolloutForm): string[] {
  const words: string[] = form.onFailure === "stop" ? [] : ["--on-failure", form.onFailure];
  const flags: Record<Field, string> = {
    batches: "--batch", canaries: "--canaries", promoteAfter: "--promote-after", minHealthy: "--min-healthy", maxFailed: "--max-failed",
    maxUnreachable: "--max-unreachable", perLabel: "--max-failed-per", catchUp: "--catch-up",
  };
  for (const { name } of rolloutFields) {
    if (form[name].trim()) words.push(flags[name], name === "batches" ? wordsOf(form.batches).join(",") : form[name].trim());
  }
  return words;
}

export interface Budget {
  failed: number; // nodes
  allowed: number;
  nodes: number;
}

const failedStates = ["failed", "rolled_back", "rollback_failed"];

// How many nodes of a job have failed, and how many may (a percentage is of all its nodes).
export function budgetOf(nodes: number, options: RolloutOptions | undefined, tasks: readonly Task[]): Budget {
  const may = options?.max_failed ?? "0";
  const allowed = may.endsWith("%") ? Math.floor((nodes * Number(may.slice(0, -1))) / 100) : Number(may);
  const failed = new Set(tasks.filter((task) => failedStates.includes(task.state) && task.reason !== "node_gone").map((task) => task.node_id)).size;
  return { failed, allowed, nodes };
}
