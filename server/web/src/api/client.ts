// SPDX-License-Identifier: Apache-2.0
// The one place that talks to the server. Types come from openapi.yaml; an answer that is not 2xx
// is thrown as a Problem; changes carry the session's CSRF value.
import createClient from "openapi-fetch";
import type { components, paths } from "@/api/schema";
import { asProblem, problemFrom } from "@/api/problem";

export type Schemas = components["schemas"];

let csrf = "";
let onEnded: () => void = () => {};

export function useCsrf(value: string) {
  csrf = value;
}
// Called when the server no longer knows this browser.
export function whenSessionEnds(callback: () => void) {
  onEnded = callback;
}
export const sessionEnded = () => onEnded();

export const client = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });

client.use({
  onRequest({ request }) {
    if (request.method !== "GET" && csrf) request.headers.set("X-CSRF-Token", csrf);
    return request;
  },
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && schemaPath !== "/api/session") onEnded();
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

export interface Tagged<T> {
  data: T;
  etag: string;
}

// The body of a 2xx answer and its ETag.
export async function tagged<T>(answer: Promise<Answer<T>>): Promise<Tagged<T>> {
  let done: Answer<T>;
  try {
    done = await answer;
  } catch (error) {
    throw asProblem(error);
  }
  if (!done.response.ok) throw problemFrom(done.response.status, done.error);
  return { data: done.data as T, etag: done.response.headers.get("ETag") ?? "" };
}

export async function body<T>(answer: Promise<Answer<T>>): Promise<T> {
  return (await tagged(answer)).data;
}

// One per action of a person, so that a repeated click or a lost answer has one effect.
export function actionKey(): { "Idempotency-Key": string } {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return { "Idempotency-Key": Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("") };
}
