// SPDX-License-Identifier: Apache-2.0
// The rows of the overview: what a filter like `role:frontend state:outdated` lets through, and in
// which groups it stands. Pure, so that it is tested without a browser.
import type { Schemas } from "@/api/client";
import { lookOf, type Look } from "@/domain/states";

export type Cell = Schemas["RoleOnNode"];
export type Node = Schemas["Node"];

export const filterFields = ["role", "node", "state", "health", "running", "presence", "label"] as const;
export type FilterField = (typeof filterFields)[number];

export interface Filter {
  fields: Partial<Record<FilterField, string[]>>;
  words: string[];
}

export function parseFilter(text: string): Filter {
  const filter: Filter = { fields: {}, words: [] };
  for (const part of text.trim().split(/\s+/)) {
    if (!part) continue;
    const colon = part.indexOf(":");
    const field = part.slice(0, colon) as FilterField;
    if (colon > 0 && filterFields.includes(field) && part.length > colon + 1) {
      const values = part.slice(colon + 1).toLowerCase().split(",").filter(Boolean);
      filter.fields[field] = [...(filter.fields[field] ?? []), ...values];
    } else {
      filter.words.push(part.toLowerCase());
    }
  }
  return filter;
}

// The text with one condition set or taken out: what a counter that is clicked does.
export function withField(text: string, field: FilterField, value: string | null): string {
  const kept = text.trim().split(/\s+/).filter((part) => part && !part.startsWith(`${field}:`));
  if (value) kept.push(`${field}:${value}`);
  return kept.join(" ");
}

function valueOf(cell: Cell, field: Exclude<FilterField, "label">): string {
  switch (field) {
    case "role": return cell.role_name;
    case "node": return cell.node_id;
    case "state": return cell.version.state;
    case "health": return cell.health;
    case "running": return cell.running;
    case "presence": return cell.state;
  }
}

// `label:env=prod`, or `label:env` for whatever value.
const hasLabel = (node: Node | undefined, want: string) =>
  Object.entries(node?.labels ?? {}).some(([name, value]) => want === name || want === `${name}=${value}`.toLowerCase());

// Roles and nodes may be shortened (`role:front`), states are whole words.
function fits(cell: Cell, field: FilterField, wanted: string[], node: Node | undefined): boolean {
  if (field === "label") return wanted.some((want) => hasLabel(node, want));
  const value = valueOf(cell, field).toLowerCase();
  const partly = field === "role" || field === "node";
  return wanted.some((want) => (partly ? value.includes(want) : value === want));
}

export function matches(cell: Cell, filter: Filter, node?: Node): boolean {
  for (const field in filter.fields) {
    if (!fits(cell, field as FilterField, filter.fields[field as FilterField]!, node)) return false;
  }
  if (filter.words.length === 0) return true;
  const text = [cell.node_id, cell.role_name, cell.version.state, cell.version.commit ?? "", cell.health, cell.state, cell.reason]
    .join(" ").toLowerCase();
  return filter.words.every((word) => text.includes(word));
}

// What a cell shows: the version first, then health or (when there is nothing that could be healthy)
// whether it is there at all, then whether what runs is what lies there, if that is known.
export function marksOf(cell: Cell): Look[] {
  const marks = [lookOf("version", cell.version.state)];
  if (cell.health === "unknown" && cell.state !== "active") marks.push(lookOf("presence", cell.state));
  else marks.push(lookOf("health", cell.health));
  if (cell.running !== "unknown") marks.push(lookOf("running", cell.running));
  return marks;
}

// One line of the table: a node with a cell per role, or the heading of a group.
export type MatrixRow =
  | { kind: "node"; key: string; node: Node; cells: Map<string, Cell> }
  | { kind: "group"; key: string; title: string; count: number };

export type Grouping = "none" | "role" | "state" | `label:${string}`;

// The names of labels that nodes have, to group by.
export const labelNames = (nodes: readonly Node[]): string[] =>
  [...new Set(nodes.flatMap((node) => Object.keys(node.labels ?? {})))].sort();

function groupOf(cell: Cell, node: Node | undefined, grouping: Grouping): string {
  if (grouping === "role") return cell.role_name;
  if (grouping === "state") return cell.version.state;
  const name = grouping.slice("label:".length);
  const value = node?.labels?.[name];
  return value === undefined ? `without ${name}` : `${name}=${value}`;
}

function nodeRows(cells: readonly Cell[], nodes: ReadonlyMap<string, Node>, prefix: string): MatrixRow[] {
  const byNode = new Map<string, Map<string, Cell>>();
  for (const cell of cells) {
    const row = byNode.get(cell.node_id) ?? new Map<string, Cell>();
    byNode.set(cell.node_id, row.set(cell.role_name, cell));
  }
  const rows: MatrixRow[] = [];
  for (const [id, row] of byNode) {
    const node = nodes.get(id);
    if (node) rows.push({ kind: "node", key: prefix + id, node, cells: row });
  }
  return rows.sort((a, b) => (a.key < b.key ? -1 : 1));
}

export function matrixRows(cells: readonly Cell[], nodes: readonly Node[], filter: Filter, grouping: Grouping): MatrixRow[] {
  const known = new Map(nodes.map((node) => [node.node_id, node]));
  const shown = cells.filter((cell) => matches(cell, filter, known.get(cell.node_id)));
  if (grouping === "none") {
    const rows = nodeRows(shown, known, "");
    const filtered = filter.words.length > 0 || Object.keys(filter.fields).length > 0;
    if (filtered) return rows;
    // A node without roles is part of the truth too.
    const present = new Set(rows.map((row) => row.key));
    for (const node of nodes) {
      if (!present.has(node.node_id)) rows.push({ kind: "node", key: node.node_id, node, cells: new Map() });
    }
    return rows.sort((a, b) => (a.key < b.key ? -1 : 1));
  }
  const groups = new Map<string, Cell[]>();
  for (const cell of shown) {
    const title = groupOf(cell, known.get(cell.node_id), grouping);
    const members = groups.get(title);
    if (members) members.push(cell);
    else groups.set(title, [cell]);
  }
  const rows: MatrixRow[] = [];
  for (const [title, members] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const lines = nodeRows(members, known, `${title}/`);
    rows.push({ kind: "group", key: `group/${title}`, title, count: lines.length }, ...lines);
  }
  return rows;
}

export interface Counters {
  nodes: number;
  offline: number;
  outdated: number;
  drifted: number;
  failing: number;
  restartPending: number;
  current: number;
}

export function count(cells: readonly Cell[], nodes: readonly Node[]): Counters {
  const counters: Counters = { nodes: nodes.length, offline: 0, outdated: 0, drifted: 0, failing: 0, restartPending: 0, current: 0 };
  for (const node of nodes) if (node.state !== "online" && node.state !== "draining") counters.offline += 1;
  for (const cell of cells) {
    const { state } = cell.version;
    if (state === "outdated" || state === "drifted" || state === "current") counters[state] += 1;
    if (cell.health === "failing") counters.failing += 1;
    if (cell.running === "restart_pending") counters.restartPending += 1;
  }
  return counters;
}
