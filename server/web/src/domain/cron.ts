// SPDX-License-Identifier: Apache-2.0
// A cron expression in words, and times in a zone. The words are for people; when it runs is
// decided and shown by the server.
import { toString } from "cronstrue";

const names: Record<string, string> = {
  "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
};

export function inWords(cron: string): string {
  const text = cron.trim().toLowerCase();
  try {
    return toString(names[text] ?? text, { use24HourTimeFormat: true, verbose: false });
  } catch {
    return "";
  }
}

export function timeIn(zone: string, at: string): string {
  try {
    return new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, weekday: "short", year: "numeric", month: "short", day: "2-digit", hour: "2-digit", minute: "2-digit",
    }).format(new Date(at));
  } catch {
    return at;
  }
}
