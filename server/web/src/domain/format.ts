// SPDX-License-Identifier: Apache-2.0
// Values as people read them. Pure.

export const shortCommit = (commit: string | null | undefined) => (commit ? commit.slice(0, 8) : "none");

export function firstLine(message: string): string {
  return message.split("\n", 1)[0]?.trim() || "(no message)";
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = count / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d`;
}

export function ago(at: string | number | null | undefined, now: number): string {
  if (at === null || at === undefined) return "never";
  const then = typeof at === "number" ? at : Date.parse(at);
  if (Number.isNaN(then)) return "unknown";
  const seconds = Math.max(0, (now - then) / 1000);
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${Math.round(seconds)} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} d ago`;
}

// "1 node", "3 nodes"
export function plural(count: number, one: string, many = one + "s"): string {
  return `${count} ${count === 1 ? one : many}`;
}

// "Ada <ada@example.org>" without the address.
export const authorName = (author: string) => author.replace(/\s*<[^>]*>\s*$/, "") || author;
