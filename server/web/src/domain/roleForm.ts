// SPDX-License-Identifier: Apache-2.0
// A role as a form: every field as text that a person edits, and back. Pure.
import type { Schemas } from "@/api/client";

export type Role = Schemas["Role"];
export type RoleFields = Schemas["RoleFields"];
export type FieldName = Exclude<keyof RoleFields, "role_name">;

export interface FieldRule {
  name: FieldName;
  label: string;
  kind: "text" | "lines" | "flag" | "number" | "choice" | "command" | "options" | "plugin";
  choices?: readonly string[];
  plugin?: "deployer" | "detector" | "restart_strategy";
  help?: string;
  more?: boolean; // under "more"
}

export const fieldRules: readonly FieldRule[] = [
  { name: "display_name", label: "Display name", kind: "text" },
  { name: "source_paths", label: "Source paths", kind: "lines", help: "one per line; dir/ or dir:place" },
  { name: "target_path", label: "Target path", kind: "text", help: "absolute, on the node" },
  { name: "restart_strategy", label: "Restart strategy", kind: "plugin", plugin: "restart_strategy", help: "empty: as the server chooses" },
  { name: "restart_options", label: "Options of the strategy", kind: "options" },
  { name: "systemd_service", label: "Service", kind: "text" },
  { name: "auto_restart", label: "Restart after a change", kind: "flag" },
  { name: "health_check_port", label: "Health check port", kind: "number" },
  { name: "health_check_path", label: "Health check path", kind: "text", help: "for example /api/health" },
  { name: "pre_sync_cmd", label: "Before the switch", kind: "command", help: "one word per line; runs without a shell" },
  { name: "post_sync_cmd", label: "After the switch", kind: "command", help: "one word per line; runs without a shell" },
  { name: "drain_cmd", label: "Before the restart (drain)", kind: "command", help: "one word per line", more: true },
  { name: "undrain_cmd", label: "After it is healthy (undrain)", kind: "command", help: "one word per line", more: true },
  { name: "command_timeout_seconds", label: "Limit of each command, seconds", kind: "number", more: true },
  { name: "sync_type", label: "Sync type", kind: "choice", choices: ["component", "package"], more: true },
  { name: "deployer", label: "Deployer", kind: "plugin", plugin: "deployer", more: true },
  { name: "detector", label: "Detector", kind: "plugin", plugin: "detector", more: true },
  { name: "code_source", label: "Code source", kind: "text", more: true },
  { name: "activation", label: "Activation", kind: "choice", choices: ["in_place", "swap"], more: true },
  { name: "switch", label: "While it switches", kind: "choice", choices: ["live", "stopped"], more: true },
  { name: "exclude", label: "Exclude", kind: "lines", help: "one pattern per line", more: true },
  { name: "carry", label: "Carry over", kind: "lines", help: "paths kept across a swap, one per line", more: true },
  { name: "owner", label: "Owner", kind: "text", help: "user or user:group", more: true },
  { name: "on_drift", label: "Files edited by hand", kind: "choice", choices: ["replace", "refuse"], more: true },
  { name: "order", label: "Order", kind: "number", help: "lower ones are switched first", more: true },
  { name: "self", label: "Updates rolesync itself", kind: "choice", choices: ["none", "agent", "server"], more: true },
  { name: "required", label: "Required", kind: "flag", more: true },
];

export type Form = Record<string, string>;

export function toText(rule: FieldRule, value: unknown): string {
  if (value === null || value === undefined) return "";
  if (rule.kind === "lines") return (value as string[]).join("\n");
  if (rule.kind === "command") return Array.isArray(value) ? value.join("\n") : value ? `sh -c: ${String(value)}` : "";
  if (rule.kind === "options") {
    const options = value as Record<string, string>;
    return Object.keys(options).length > 0 ? JSON.stringify(options, Object.keys(options).sort()) : "";
  }
  return String(value);
}

export function fromText(rule: FieldRule, text: string): unknown {
  const lines = () => text.split("\n").map((line) => line.trim()).filter(Boolean);
  switch (rule.kind) {
    case "lines": return lines();
    case "command": return text.startsWith("sh -c: ") ? text.slice(7) : lines();
    case "flag": return text === "true";
    case "number": return text.trim() === "" ? null : Number(text);
    case "options": return text ? JSON.parse(text) : {};
    default: return text.trim();
  }
}

export function formOf(role: Role | null): Form {
  const form: Form = {};
  for (const rule of fieldRules) form[rule.name] = toText(rule, role?.[rule.name]);
  return form;
}

// What the server is to keep: fields that were set by hand before and not reset, and those that
// this edit changes. Everything else stays the plugin's.
export function bodyOf(role: Role | null, form: Form, reset: ReadonlySet<string>): RoleFields {
  const before = formOf(role);
  const body: Record<string, unknown> = {};
  for (const rule of fieldRules) {
    if (reset.has(rule.name)) continue;
    const changed = form[rule.name] !== before[rule.name];
    const byHand = role?.provenance[rule.name] === "override";
    if (!changed && !byHand) continue;
    if (!role && form[rule.name] === "") continue;
    if (rule.kind === "plugin" && form[rule.name] === "") continue;
    body[rule.name] = fromText(rule, form[rule.name] ?? "");
  }
  return body as RoleFields;
}

export interface Conflict {
  rule: FieldRule;
  base: string;
  mine: string;
  theirs: string;
}

// Three versions of a role that two people edit: what both changed differently must be decided,
// what only one changed is taken as it is.
export function merge(base: Form, mine: Form, theirs: Form): { form: Form; conflicts: Conflict[] } {
  const form: Form = {};
  const conflicts: Conflict[] = [];
  for (const rule of fieldRules) {
    const name = rule.name;
    const [b, m, t] = [base[name] ?? "", mine[name] ?? "", theirs[name] ?? ""];
    form[name] = m === b ? t : m;
    if (m !== b && t !== b && m !== t) conflicts.push({ rule, base: b, mine: m, theirs: t });
  }
  return { form, conflicts };
}
