// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { fitsNode, readNodeFilter } from "@/domain/nodeQuery";

const node = (state: string) => ({ node_id: "web-1", hostname: "Host", agent_version: "0.1.0", state });

describe("the filter of the nodes", () => {
  it("asks the server for what it can look for", () => {
    expect(readNodeFilter(" state:offline role:web label:env=prod label:rack=a web ")).toEqual({
      query: { state: "offline", role: "web", label: "env=prod,rack=a" }, states: ["offline"], words: ["web"],
    });
  });
  it("leaves several states and strange words for the page", () => {
    const filter = readNodeFilter("state:offline,late state:gone label:x");
    expect(filter.query).toEqual({});
    expect(filter.words).toEqual(["state:gone", "label:x"]);
    expect(fitsNode(node("late"), readNodeFilter("state:offline,late host"))).toBe(true);
    expect(fitsNode(node("online"), readNodeFilter("state:offline,late"))).toBe(false);
    expect(fitsNode(node("online"), readNodeFilter("0.1 nothing"))).toBe(false);
  });
});
