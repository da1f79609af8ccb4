// SPDX-License-Identifier: Apache-2.0
// The one vocabulary of states: for each word an icon and a tone. A tone is never alone on the
// screen, the word and the icon always stand beside it.
import {
  Ban, Check, CircleAlert, CircleArrowUp, CircleCheck, CircleDashed, CircleHelp, CirclePause,
  CirclePlay, CircleX, Clock, FilePen, HeartCrack, HeartPulse, Hourglass, LoaderCircle, PlugZap,
  RotateCcw, RotateCw, ShieldAlert, Unlink, Wifi, WifiOff,
} from "@lucide/vue";
import type { Component } from "vue";

export type Tone = "good" | "warn" | "bad" | "busy" | "muted";
export interface Look {
  icon: Component;
  tone: Tone;
  word: string;
}

const look = (icon: Component, tone: Tone, word: string): Look => ({ icon, tone, word });

const looks: Record<string, Record<string, Look>> = {
  version: {
    current: look(CircleCheck, "good", "current"),
    outdated: look(CircleArrowUp, "warn", "outdated"),
    drifted: look(FilePen, "bad", "drifted"),
    orphaned: look(Unlink, "muted", "orphaned"),
    unknown: look(CircleHelp, "muted", "version unknown"),
  },
  health: {
    healthy: look(HeartPulse, "good", "healthy"),
    failing: look(HeartCrack, "bad", "failing"),
    unknown: look(CircleHelp, "muted", "health unknown"),
  },
  presence: {
    active: look(CirclePlay, "good", "active"),
    inactive: look(CirclePause, "warn", "inactive"),
    not_installed: look(CircleDashed, "muted", "not installed"),
    unknown: look(CircleHelp, "muted", "state unknown"),
  },
  running: {
    current: look(Check, "good", "runs it"),
    restart_pending: look(RotateCw, "warn", "restart pending"),
    unknown: look(CircleHelp, "muted", "running unknown"),
  },
  node: {
    online: look(Wifi, "good", "online"),
    late: look(Clock, "warn", "late"),
    offline: look(WifiOff, "bad", "offline"),
    draining: look(Hourglass, "warn", "draining"),
    revoked: look(Ban, "bad", "revoked"),
  },
  job: {
    awaiting_approval: look(Hourglass, "warn", "awaiting approval"),
    pending: look(Clock, "muted", "pending"),
    running: look(LoaderCircle, "busy", "running"),
    paused: look(CirclePause, "warn", "paused"),
    succeeded: look(CircleCheck, "good", "succeeded"),
    partly_failed: look(CircleAlert, "bad", "partly failed"),
    failed: look(CircleX, "bad", "failed"),
    rolled_back: look(RotateCcw, "bad", "rolled back"),
    cancelled: look(Ban, "muted", "cancelled"),
  },
  task: {
    pending: look(Clock, "muted", "waiting"),
    staging: look(LoaderCircle, "busy", "staging"),
    staged: look(Hourglass, "busy", "staged"),
    activating: look(LoaderCircle, "busy", "activating"),
    restarting: look(RotateCw, "busy", "restarting"),
    checking: look(HeartPulse, "busy", "checking"),
    rolling_back: look(RotateCcw, "busy", "rolling back"),
    succeeded: look(CircleCheck, "good", "succeeded"),
    rolled_back: look(RotateCcw, "bad", "rolled back"),
    rollback_failed: look(CircleX, "bad", "rollback failed"),
    failed: look(CircleX, "bad", "failed"),
    skipped: look(CircleDashed, "muted", "skipped"),
    cancelled: look(Ban, "muted", "cancelled"),
  },
  plugin: {
    ready: look(PlugZap, "good", "ready"),
    failed: look(CircleX, "bad", "failed"),
    quarantined: look(ShieldAlert, "bad", "quarantined"),
  },
  source: {
    idle: look(CircleCheck, "good", "up to date"),
    queued: look(Clock, "busy", "fetch queued"),
    fetching: look(LoaderCircle, "busy", "fetching"),
    failed: look(CircleX, "bad", "fetch failed"),
  },
};

export type Fact = "version" | "health" | "presence" | "running" | "node" | "job" | "task" | "plugin" | "source";

export function lookOf(fact: Fact, state: string): Look {
  return looks[fact]?.[state] ?? look(CircleHelp, "muted", state.replaceAll("_", " "));
}

export const finalJobStates = ["succeeded", "partly_failed", "failed", "rolled_back", "cancelled"];
export const isFinal = (state: string) => finalJobStates.includes(state);
