// SPDX-License-Identifier: Apache-2.0
// Server-sent events out of the bytes of a stream: any chunks in, whole events out.

export interface StreamEvent {
  id: string;
  type: string;
  data: string;
}

export class EventParser {
  private rest = "";
  private id = "";
  private type = "";
  private data: string[] = [];

  // The events that are complete with this piece of text.
  push(text: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") this.finish(events);
      else this.take(line);
    }
    return events;
  }

  private take(line: string) {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment keeps the connection alive
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") this.id = value;
    else if (field === "event") this.type = value;
    else if (field === "data") this.data.push(value);
  }

  private finish(events: StreamEvent[]) {
    if (this.data.length > 0) {
      events.push({ id: this.id, type: this.type || "message", data: this.data.join("\n") });
    }
    this.type = "";
    this.data = [];
  }
}
