// SPDX-License-Identifier: Apache-2.0
// @vitest-environment node
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { iconUri } from "../build_steps/icons";
import { everyLook, lookOf } from "@/domain/states";

const sheet = readFileSync(new URL("../src/theme/icons.css", import.meta.url), "utf8");
const drawn = [...sheet.matchAll(/^\.i-([a-z-]+) \{ --icon: icon\("([a-z-]+)"\); \}$/gm)];

describe("icons of states", () => {
  it("are all drawn, and no others", () => {
    const wanted = new Set(everyLook.map((look) => look.icon));
    expect(new Set(drawn.map(([, name]) => name))).toEqual(wanted);
    for (const [, name, icon] of drawn) expect(icon).toBe(name);
  });
  it("become a picture without anything that ends the string of the style sheet", async () => {
    for (const look of everyLook) expect(await iconUri(look.icon)).toMatch(/^url\("data:image\/svg\+xml,[^"\n]+"\)$/);
    await expect(iconUri("no-such-icon")).rejects.toThrow("Lucide has no icon of this name");
  });
  it("never stand alone: every state has a word, also one that nobody knows", () => {
    for (const look of everyLook) expect(look.word).toMatch(/[a-z]/);
    expect(lookOf("job", "waiting_for_godot")).toMatchObject({ word: "waiting for godot", tone: "muted" });
  });
});
