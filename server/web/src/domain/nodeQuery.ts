// SPDX-License-Identifier: Apache-2.0
// What the filter of the nodes asks the server for: `state:offline role:web label:env=prod`, and what
// is left to look for in the names that come. Pure.

const states = ["online", "late", "offline", "draining", "revoked"] as const;
export type NodeState = (typeof states)[number];
export type NodeSort = "node_id" | "-node_id" | "joined_at" | "-joined_at";
export interface NodeQuery {
  state?: NodeState;
  role?: string;
  label?: string;
  sort?: NodeSort;
}

const isState = (word: string): word is NodeState => (states as readonly string[]).includes(word);

export function readNodeFilter(text: string): { query: NodeQuery; states: NodeState[]; words: string[] } {
  const query: NodeQuery = {};
  const wanted: NodeState[] = [];
  const words: string[] = [];
  for (const part of text.trim().split(/\s+/).filter(Boolean)) {
    const [name, value] = [part.slice(0, part.indexOf(":")), part.slice(part.indexOf(":") + 1)];
    if (name === "state" && value.split(",").every(isState)) wanted.push(...(value.split(",") as NodeState[]));
    else if (name === "role" && value) query.role = value;
    else if (name === "label" && value.includes("=")) query.label = query.label ? `${query.label},${value}` : value;
    else words.push(part.toLowerCase());
  }
  // The server takes one state; of several the others are left out here.
  if (wanted.length === 1) query.state = wanted[0];
  return { query, states: wanted, words };
}

export function fitsNode(node: { node_id: string; hostname: string; agent_version: string; state: string }, filter: ReturnType<typeof readNodeFilter>): boolean {
  if (filter.states.length > 0 && !filter.states.includes(node.state as NodeState)) return false;
  const text = `${node.node_id} ${node.hostname} ${node.agent_version}`.toLowerCase();
  return filter.words.every((word) => text.includes(word));
}
