// SPDX-License-Identifier: Apache-2.0
// The one vocabulary of states: for each word an icon (theme/icons.css) and a tone. A tone is never
// alone on the screen, the word and the icon always stand beside it.

export type Tone = "good" | "warn" | "bad" | "busy" | "muted";
export interface Look {
  icon: string;
  tone: Tone;
  word: string;
  classes: string; // what draws it: one element, whatever the icon
}

const look = (icon: string, tone: Tone, word: string): Look =>
  ({ icon, tone, word, classes: `mark tone-${tone} i-${icon}${tone === "busy" ? " spins" : ""}` });

export type Fact = "version" | "health" | "presence" | "running" | "node" | "job" | "task" | "plugin" | "source" | "token";

const looks: Record<Fact, Record<string, Look>> = {
  version: {
    current: look("circle-check", "good", "current"),
    outdated: look("circle-arrow-up", "warn", "outdated"),
    drifted: look("file-pen", "bad", "drifted"),
    orphaned: look("unlink", "muted", "orphaned"),
    unknown: look("circle-question-mark", "muted", "version unknown"),
  },
  health: {
    healthy: look("heart-pulse", "good", "healthy"),
    failing: look("heart-crack", "bad", "failing"),
    unknown: look("circle-question-mark", "muted", "health unknown"),
  },
  presence: {
    active: look("circle-play", "good", "active"),
    inactive: look("circle-pause", "warn", "inactive"),
    not_installed: look("circle-dashed", "muted", "not installed"),
    unknown: look("circle-question-mark", "muted", "state unknown"),
  },
  running: {
    current: look("check", "good", "runs it"),
    restart_pending: look("rotate-cw", "warn", "restart pending"),
    unknown: look("circle-question-mark", "muted", "running unknown"),
  },
  node: {
    online: look("wifi", "good", "online"),
    late: look("clock", "warn", "late"),
    offline: look("wifi-off", "bad", "offline"),
    draining: look("hourglass", "warn", "draining"),
    revoked: look("ban", "bad", "revoked"),
  },
  job: {
    awaiting_approval: look("hourglass", "warn", "awaiting approval"),
    pending: look("clock", "muted", "pending"),
    running: look("loader-circle", "busy", "running"),
    paused: look("circle-pause", "warn", "paused"),
    succeeded: look("circle-check", "good", "succeeded"),
    partly_failed: look("circle-alert", "bad", "partly failed"),
    failed: look("circle-x", "bad", "failed"),
    rolled_back: look("rotate-ccw", "bad", "rolled back"),
    cancelled: look("ban", "muted", "cancelled"),
  },
  task: {
    pending: look("clock", "muted", "waiting"),
    staging: look("loader-circle", "busy", "staging"),
    staged: look("hourglass", "busy", "staged"),
    activating: look("loader-circle", "busy", "activating"),
    restarting: look("rotate-cw", "busy", "restarting"),
    checking: look("heart-pulse", "busy", "checking"),
    rolling_back: look("rotate-ccw", "busy", "rolling back"),
    succeeded: look("circle-check", "good", "succeeded"),
    rolled_back: look("rotate-ccw", "bad", "rolled back"),
    rollback_failed: look("circle-x", "bad", "rollback failed"),
    failed: look("circle-x", "bad", "failed"),
    skipped: look("circle-dashed", "muted", "skipped"),
    cancelled: look("ban", "muted", "cancelled"),
  },
  plugin: {
    ready: look("plug-zap", "good", "ready"),
    failed: look("circle-x", "bad", "failed"),
    quarantined: look("shield-alert", "bad", "quarantined"),
  },
  token: {
    active: look("circle-check", "good", "active"),
    expired: look("clock", "muted", "expired"),
    revoked: look("ban", "muted", "revoked"),
  },
  source: {
    idle: look("circle-check", "good", "up to date"),
    queued: look("clock", "busy", "fetch queued"),
    fetching: look("loader-circle", "busy", "fetching"),
    failed: look("circle-x", "bad", "fetch failed"),
  },
};


// A state that this page does not know yet is shown as the server says it.
export function lookOf(fact: Fact, state: string): Look {
  return looks[fact][state] ?? look("circle-question-mark", "muted", state.replaceAll("_", " "));
}

export const everyLook: readonly Look[] = Object.values(looks).flatMap((states) => Object.values(states));

export const finalJobStates = ["succeeded", "partly_failed", "failed", "rolled_back", "cancelled"];
export const isFinal = (state: string) => finalJobStates.includes(state);
