// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { fourNumbers, inOrder, partOf, stepMarks, type Task } from "@/domain/jobs";

const event = (step: string, state: string, reason = "") => ({ sequence: 1, step, state, reason, message: "", output: "", at: "" });
const task = (node: string, state: string, steps: ReturnType<typeof event>[] = []) =>
  ({ node_id: node, role_name: "web", state, steps }) as unknown as Task;

describe("a job", () => {
  it("has four numbers, and every state is in one of them", () => {
    expect(fourNumbers({ succeeded: 2, failed: 1, rolled_back: 1, staging: 1, pending: 3, staged: 1 })).toEqual({ done: 2, failed: 2, running: 1, waiting: 4 });
    expect(partOf("something_new")).toBe("running");
  });
  it("shows errors first, then what runs", () => {
    const tasks = [task("a", "succeeded"), task("b", "pending"), task("c", "staging"), task("e", "failed"), task("d", "rolled_back")];
    expect(inOrder(tasks).map((t) => t.node_id).join("")).toBe("decba");
  });
  it("marks the step that failed, not the ones that report it", () => {
    const marks = stepMarks(task("a", "rolled_back", [
      event("fetch", "staging"), event("verify", "staged"), event("activate", "activating"), event("post_sync", "activating"),
      event("post_sync", "activating", "command_failed"), event("rollback", "rolling_back", "command_failed"), event("report", "rolled_back", "command_failed"),
    ]));
    expect(marks).toMatchObject({ fetch: "done", activate: "done", post_sync: "failed", restart: "none", report: "done" });
  });
  it("marks the step it is at", () => {
    expect(stepMarks(task("a", "staging", [event("fetch", "staging")]))).toMatchObject({ fetch: "now", verify: "none" });
  });
});
