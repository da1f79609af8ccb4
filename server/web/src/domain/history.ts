// SPDX-License-Identifier: Apache-2.0
// Heartbeats as lines over time. Pure.

export interface Beat {
  last_seen_at: string | null;
  cpu_percent?: number | null;
  memory_percent?: number | null;
  disk_percent?: number | null;
}
export interface Sample {
  at: number; // seconds since 1970
  cpu: number | null;
  memory: number | null;
  disk: number | null;
}
export type Measure = "cpu" | "memory" | "disk";

export const measures: { name: Measure; word: string; dash: number[] }[] = [
  { name: "cpu", word: "CPU", dash: [] },
  { name: "memory", word: "Memory", dash: [8, 4] },
  { name: "disk", word: "Disk", dash: [2, 3] },
];
export const longest = 2_000; // a working day of heartbeats
const silence = 90; // seconds without one after which the line is broken

const nothing = (at: number): Sample => ({ at, cpu: null, memory: null, disk: null });

// The samples with one more, unless that heartbeat is in them already. Where the node was silent
// the line has a gap, so that nobody takes a straight line for a measurement.
export function withSample(samples: readonly Sample[], beat: Beat): readonly Sample[] {
  const at = Date.parse(beat.last_seen_at ?? "") / 1000;
  const last = samples.at(-1);
  if (Number.isNaN(at) || (last && last.at >= at)) return samples;
  const sample = { at, cpu: beat.cpu_percent ?? null, memory: beat.memory_percent ?? null, disk: beat.disk_percent ?? null };
  const gap = last && at - last.at > silence ? [nothing((last.at + at) / 2)] : [];
  return [...samples, ...gap, sample].slice(-longest);
}

export interface Range {
  now: number | null;
  least: number;
  most: number;
}

// null when nothing was measured.
export function rangeOf(samples: readonly Sample[], measure: Measure): Range | null {
  const values = samples.map((sample) => sample[measure]).filter((value) => value !== null);
  if (values.length === 0) return null;
  return { now: samples.at(-1)![measure], least: Math.min(...values), most: Math.max(...values) };
}
