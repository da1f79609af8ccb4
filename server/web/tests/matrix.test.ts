// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { count, matches, matrixRows, parseFilter, withField, type Cell, type Node } from "@/domain/matrix";

function cell(node: string, role: string, state = "current", more: Partial<Cell> = {}): Cell {
  return {
    node_id: node, role_name: role, source: "assigned", state: "active", health: "healthy", running: "current",
    reason: "", detail: "", error: "", drift: [], drift_count: 0, verified_at: null,
    version: { state, reason: "", hint: "", commit: "abc123", content_id: null, role_revision: null, latest_commit: null, latest_content_id: null },
    ...more,
  } as Cell;
}
const node = (id: string, state = "online", labels = {}) => ({ node_id: id, state, labels }) as Node;

describe("the filter", () => {
  it("reads fields, lists and free words", () => {
    expect(parseFilter(" role:front state:outdated,drifted  web-1 a:b ")).toEqual({
      fields: { role: ["front"], state: ["outdated", "drifted"] }, words: ["web-1", "a:b"],
    });
  });
  it("takes names in part and states whole", () => {
    const outdated = cell("web-1", "frontend", "outdated");
    for (const text of ["role:front", "node:web", "state:outdated", "state:current,outdated", "abc1 front", ""]) {
      expect(matches(outdated, parseFilter(text)), text).toBe(true);
    }
    for (const text of ["role:back", "state:out", "health:failing", "nothing"]) {
      expect(matches(outdated, parseFilter(text)), text).toBe(false);
    }
  });
  it("sets and takes out one condition", () => {
    expect(withField("role:a state:current x", "state", "outdated")).toBe("role:a x state:outdated");
    expect(withField("state:outdated", "state", null)).toBe("");
  });
});

describe("the rows", () => {
  const nodes = [node("n2"), node("n1"), node("n3", "offline")];
  const cells = [cell("n2", "web"), cell("n1", "web", "outdated"), cell("n1", "api", "drifted")];
  it("have every node, also one without roles", () => {
    const rows = matrixRows(cells, nodes, parseFilter(""), "none");
    expect(rows.map((row) => row.key)).toEqual(["n1", "n2", "n3"]);
  });
  it("have only what a filter lets through", () => {
    const rows = matrixRows(cells, nodes, parseFilter("state:outdated"), "none");
    expect(rows.map((row) => row.key)).toEqual(["n1"]);
    expect(rows[0]?.kind === "node" && [...rows[0].cells.keys()]).toEqual(["web"]);
  });
  it("stand in groups", () => {
    expect(matrixRows(cells, nodes, parseFilter(""), "role").map((row) => row.key)).toEqual(["group/api", "api/n1", "group/web", "web/n1", "web/n2"]);
    expect(matrixRows(cells, nodes, parseFilter(""), "state").map((row) => row.key)).toEqual(["group/current", "current/n2", "group/drifted", "drifted/n1", "group/outdated", "outdated/n1"]);
  });
  it("stand in groups of a label, and are filtered by one", () => {
    const labelled = [node("n1", "online", { env: "prod" }), node("n2", "online", { env: "test" }), node("n3")];
    const all = [cell("n1", "web"), cell("n2", "web"), cell("n3", "web")];
    expect(matrixRows(all, labelled, parseFilter(""), "label:env").map((row) => row.key)).toEqual(
      ["group/env=prod", "env=prod/n1", "group/env=test", "env=test/n2", "group/without env", "without env/n3"]);
    expect(matrixRows(all, labelled, parseFilter("label:env=prod"), "none").map((row) => row.key)).toEqual(["n1"]);
    expect(matrixRows(all, labelled, parseFilter("label:env"), "none")).toHaveLength(2);
  });
  it("are made quickly for 1,000 nodes with 7 roles", () => {
    const many = Array.from({ length: 1000 }, (_, i) => node(`n${i}`));
    const all = many.flatMap((n) => Array.from({ length: 7 }, (_, r) => cell(n.node_id, `role${r}`)));
    expect(matrixRows(all, many, parseFilter(""), "none")).toHaveLength(1000);
  });
  it("are counted", () => {
    expect(count(cells, nodes)).toMatchObject({ nodes: 3, offline: 1, current: 1, outdated: 1, drifted: 1, failing: 0 });
  });
});
