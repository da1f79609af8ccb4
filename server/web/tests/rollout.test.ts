// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Task } from "@/domain/jobs";
import { anyFault, budgetOf, noRollout, optionsOf, rolloutFault, rolloutWords } from "@/domain/rollout";

const task = (node: string, state: string, reason = "") => ({ node_id: node, state, reason }) as Task;

describe("how a sync goes over many nodes", () => {
  const form = { ...noRollout, batches: "1, 5,25%", canaries: "2", promoteAfter: "600", maxFailed: "2%", perLabel: "rack=1", onFailure: "ask" as const };
  it("says nothing when nothing was chosen", () => {
    expect(optionsOf(noRollout)).toEqual({});
    expect(rolloutWords(noRollout)).toEqual([]);
    expect(anyFault(noRollout)).toBe(false);
  });
  it("is the same as options and as words of the command", () => {
    expect(optionsOf(form)).toEqual({ batches: ["1", "5", "25%"], canaries: "2", promote_after_seconds: 600, max_failed: "2%", group_by: "rack", max_failed_per_group: "1" });
    expect(rolloutWords(form).join(" ")).toBe("--on-failure ask --batch 1,5,25% --canaries 2 --promote-after 600 --max-failed 2% --max-failed-per rack=1");
  });
  it("names what is wrong with a field", () => {
    for (const [name, text] of [["batches", "1 many"], ["canaries", "-1"], ["minHealthy", "5%"], ["perLabel", "rack"], ["maxFailed", "2 %"]] as const) {
      expect(rolloutFault(name, text), `${name} ${text}`).not.toBe("");
      expect(anyFault({ ...noRollout, [name]: text })).toBe(true);
    }
    for (const [name, text] of [["batches", "10%"], ["catchUp", "0"], ["maxUnreachable", "5%"]] as const) expect(rolloutFault(name, text)).toBe("");
  });
  it("counts failed nodes once, not lost ones, against what may fail", () => {
    const tasks = [task("a", "failed"), task("a", "rolled_back"), task("b", "failed", "node_gone"), task("c", "succeeded"), task("d", "rollback_failed")];
    expect(budgetOf(150, { max_failed: "3%" }, tasks)).toEqual({ failed: 2, allowed: 4, nodes: 150 });
    expect(budgetOf(4, undefined, tasks).allowed).toBe(0);
    expect(budgetOf(4, { max_failed: "3" }, []).allowed).toBe(3);
  });
});
