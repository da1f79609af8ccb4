// SPDX-License-Identifier: Apache-2.0
// Lists and labels as people type them. Pure.

export const wordsOf = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

// "env=prod site=ber"; what has no "=" is told as the fault.
export function labelsOf(text: string): { labels: Record<string, string>; fault: string } {
  const labels: Record<string, string> = {};
  for (const word of wordsOf(text)) {
    const equals = word.indexOf("=");
    if (equals < 1 || equals === word.length - 1) return { labels, fault: `"${word}" is not name=value` };
    labels[word.slice(0, equals)] = word.slice(equals + 1);
  }
  return { labels, fault: "" };
}

export const labelsText = (labels: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`).sort().join(" ");
