// SPDX-License-Identifier: Apache-2.0
// The server's events, followed once for the whole page. Read with fetch rather than EventSource,
// because only so the lines that keep the connection alive are seen: a stream that has been silent
// for longer than the server ever is counts as lost, and the page says how old its data is.
import { readonly, ref } from "vue";
import type { Schemas } from "@/api/client";
import { sessionEnded } from "@/api/client";
import { EventParser } from "@/domain/eventStream";

export type ServerEvent = Schemas["Event"];
type Listener = (event: ServerEvent) => void;

const silenceLimit = 40_000; // the server says something every 15 s

const connected = ref(false);
const everConnected = ref(false);
const heardAt = ref(Date.now());
const recent = ref<ServerEvent[]>([]);
const listeners = new Set<Listener>();
let lastId = "";
let running: AbortController | null = null;

function tell(event: ServerEvent) {
  recent.value = [event, ...recent.value].slice(0, 50);
  for (const listener of listeners) listener(event);
}

function take(parser: EventParser, text: string) {
  heardAt.value = Date.now();
  for (const event of parser.push(text)) {
    if (event.id) lastId = event.id;
    try {
      // A gap means that events were missed: whoever listens reads everything anew.
      tell({ ...JSON.parse(event.data), type: event.type });
    } catch {
      // Not ours: the next event is read all the same.
    }
  }
}

async function follow(signal: AbortSignal) {
  const silence = new AbortController();
  const headers: Record<string, string> = { Accept: "text/event-stream" };
  if (lastId) headers["Last-Event-ID"] = lastId;
  const answer = await fetch("/api/events", {
    headers,
    signal: AbortSignal.any([signal, silence.signal]),
    cache: "no-store",
  });
  if (answer.status === 401) {
    sessionEnded();
    throw new Error("session ended");
  }
  if (!answer.ok || !answer.body) throw new Error(`events: ${answer.status}`);
  connected.value = true;
  everConnected.value = true;
  heardAt.value = Date.now();
  // What was read before this moment may have missed what happened in between.
  tell({ type: "connected", at: new Date().toISOString() } as unknown as ServerEvent);
  const watch = setInterval(() => {
    if (Date.now() - heardAt.value > silenceLimit) silence.abort();
  }, 2_000);
  try {
    const parser = new EventParser();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      take(parser, value);
    }
  } finally {
    clearInterval(watch);
  }
}

async function keepFollowing(signal: AbortSignal) {
  let pause = 500;
  while (!signal.aborted) {
    try {
      await follow(signal);
      pause = 500;
    } catch {
      pause = Math.min(pause * 2, 10_000);
    }
    connected.value = false;
    if (!signal.aborted) await new Promise((wake) => setTimeout(wake, pause));
  }
}

export function startEvents() {
  if (running) return;
  running = new AbortController();
  void keepFollowing(running.signal);
}

export function stopEvents() {
  running?.abort();
  running = null;
  connected.value = false;
  everConnected.value = false;
  lastId = "";
}

export function useEvents() {
  return {
    connected: readonly(connected),
    heardAt: readonly(heardAt),
    everConnected: readonly(everConnected),
    recent: readonly(recent),
    listen(listener: Listener): () => void {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
