// SPDX-License-Identifier: Apache-2.0
// What went wrong with a request, as the server says it: reason, sentence, what to do.

export interface FieldProblem {
  pointer?: string;
  detail?: string;
}

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly reason: string,
    detail: string,
    readonly hint = "",
    readonly requestId = "",
    readonly fields: FieldProblem[] = [],
  ) {
    super(detail);
    this.name = "Problem";
  }
}

export function problemFrom(status: number, body: unknown): Problem {
  const said = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string) => (typeof said[name] === "string" ? (said[name] as string) : "");
  return new Problem(
    status,
    text("reason") || `http_${status}`,
    text("detail") || `The server answered ${status}`,
    text("hint"),
    text("request_id"),
    Array.isArray(said.errors) ? (said.errors as FieldProblem[]) : [],
  );
}

export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const said = error instanceof Error ? error.message : String(error);
  return new Problem(0, "unreachable", `The server does not answer (${said})`, "is rolesync-server running?");
}
