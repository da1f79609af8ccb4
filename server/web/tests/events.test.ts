// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { EventParser } from "@/domain/eventStream";

describe("the event stream", () => {
  const text = "retry: 2000\n\n: still here\n\nid: 7\nevent: job_changed\ndata: {\"a\":1}\n\nid: 8\ndata: x\ndata: y\n\n";
  const expected = [{ id: "7", type: "job_changed", data: '{"a":1}' }, { id: "8", type: "message", data: "x\ny" }];
  it("is the same in one piece and byte by byte", () => {
    expect(new EventParser().push(text)).toEqual(expected);
    const parser = new EventParser();
    expect([...text].flatMap((byte) => parser.push(byte))).toEqual(expected);
  });
  it("gives no event before its empty line", () => {
    const parser = new EventParser();
    expect(parser.push("data: half")).toEqual([]);
    expect(parser.push("\n\n")).toHaveLength(1);
  });
});
