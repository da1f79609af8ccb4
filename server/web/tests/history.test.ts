// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { firstSteps, nextStep } from "@/domain/firstSteps";
import { longest, rangeOf, withSample, type Sample } from "@/domain/history";

const beat = (second: number, cpu: number | null = 1) => ({ last_seen_at: new Date(second * 1000).toISOString(), cpu_percent: cpu, memory_percent: 20 });

describe("the history of a node", () => {
  it("takes each heartbeat once", () => {
    let samples: readonly Sample[] = [];
    for (const second of [100, 110, 110, 105]) samples = withSample(samples, beat(second));
    expect(samples.map((sample) => sample.at)).toEqual([100, 110]);
    expect(samples[0]).toEqual({ at: 100, cpu: 1, memory: 20, disk: null });
    expect(withSample(samples, { last_seen_at: null })).toBe(samples);
  });
  it("has a gap where the node was silent", () => {
    const samples = withSample(withSample([], beat(100)), beat(300));
    expect(samples.map((sample) => sample.cpu)).toEqual([1, null, 1]);
  });
  it("stays bounded", () => {
    let samples: readonly Sample[] = [];
    for (let second = 0; second < longest + 10; second += 1) samples = withSample(samples, beat(second));
    expect(samples.length).toBe(longest);
    expect(samples[0]!.at).toBe(10);
  });
  it("says now, least and most", () => {
    const samples = [3, 1, null, 2].reduce<readonly Sample[]>((all, cpu, i) => withSample(all, beat(i, cpu)), []);
    expect(rangeOf(samples, "cpu")).toEqual({ now: 2, least: 1, most: 3 });
    expect(rangeOf(samples, "disk")).toBeNull();
  });
});

describe("the first steps", () => {
  const fleet = (more: object) => ({ server_version: "", sources: [], roles: [], nodes: [], cells: [], jobs_running: [], ...more }) as never;
  it("begin with a machine and end with a sync", () => {
    expect(nextStep(firstSteps(fleet({})))).toBe(0);
    const source = { commit: null };
    const cell = { source: "assigned", role_name: "web", version: { commit: null } };
    expect(nextStep(firstSteps(fleet({ nodes: [{}] })))).toBe(1);
    expect(nextStep(firstSteps(fleet({ nodes: [{}], sources: [source] })))).toBe(2);
    expect(nextStep(firstSteps(fleet({ nodes: [{}], sources: [{ commit: "c" }], cells: [{ ...cell, role_name: "code-source" }] })))).toBe(3);
    expect(nextStep(firstSteps(fleet({ nodes: [{}], sources: [{ commit: "c" }], cells: [cell] })))).toBe(4);
    expect(nextStep(firstSteps(fleet({ nodes: [{}], sources: [{ commit: "c" }], cells: [{ ...cell, version: { commit: "c" } }] })))).toBe(-1);
  });
});
