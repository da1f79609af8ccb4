// SPDX-License-Identifier: Apache-2.0
// Every action as the command line says it. Words are quoted for a POSIX shell when they need it.

export function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function command(...words: string[]): string {
  return ["rolesync", ...words].map(quoted).join(" ");
}

export interface PlanChoice {
  roles?: string[];
  nodes?: string[];
  commit?: string;
  first_install?: string;
  restart?: string;
}

export function planCommand(choice: PlanChoice): string {
  const words = ["plan"];
  for (const role of choice.roles ?? []) words.push("--role", role);
  for (const node of choice.nodes ?? []) words.push("--node", node);
  if (choice.commit) words.push("--commit", choice.commit);
  if (choice.first_install && choice.first_install !== "refuse") words.push("--first-install", choice.first_install);
  if (choice.restart && choice.restart !== "auto") words.push("--restart", choice.restart);
  return command(...words);
}

// `rollout`: the words of its options (domain/rollout.ts).
export function syncCommand(planHash: string, rollout: readonly string[], override = ""): string {
  const words = ["sync", "--plan", planHash, ...rollout];
  if (override) words.push("--override-freeze", override);
  return command(...words);
}
