// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { command, planCommand, quoted } from "@/domain/cli";
import { ago, bytes, duration, firstLine } from "@/domain/format";
import { inWords, timeIn } from "@/domain/cron";
import { labelsOf, labelsText } from "@/domain/words";
import { optionFault, optionRules } from "@/domain/options";
import { bodyOf, formOf, merge, type Role } from "@/domain/roleForm";

const role = {
  role_name: "web", display_name: "Web", source_paths: ["web"], target_path: "/srv/web", health_check_port: 80,
  post_sync_cmd: ["npm", "ci"], provenance: { display_name: "plugin", source_paths: "plugin", target_path: "override" }, plugin: "web",
} as unknown as Role;

describe("a role as a form", () => {
  it("sends what was set by hand and what changes, nothing else", () => {
    const form = { ...formOf(role), display_name: "The web", post_sync_cmd: "npm\nci\n--omit=dev" };
    expect(bodyOf(role, form, new Set())).toEqual({ display_name: "The web", target_path: "/srv/web", post_sync_cmd: ["npm", "ci", "--omit=dev"] });
  });
  it("goes back to the plugin's value by leaving the field out", () => {
    expect(bodyOf(role, formOf(role), new Set(["target_path"]))).toEqual({});
  });
  it("empties a number to null and reads lists by line", () => {
    expect(bodyOf(role, { ...formOf(role), health_check_port: "", source_paths: " a \n\nb" }, new Set())).toMatchObject({ health_check_port: null, source_paths: ["a", "b"] });
  });
});

describe("two people edit one role", () => {
  const base = formOf(role);
  it("merges different fields and asks about the same one", () => {
    const mine = { ...base, display_name: "Mine", owner: "www" };
    const theirs = { ...base, display_name: "Theirs", target_path: "/srv/x" };
    const { form, conflicts } = merge(base, mine, theirs);
    expect(form).toMatchObject({ owner: "www", target_path: "/srv/x" });
    expect(conflicts.map((c) => [c.rule.name, c.base, c.mine, c.theirs])).toEqual([["display_name", "Web", "Mine", "Theirs"]]);
  });
  it("has no conflict when both did the same", () => {
    const same = { ...base, owner: "www" };
    expect(merge(base, same, same).conflicts).toEqual([]);
  });
});

describe("options of a plugin", () => {
  const rules = optionRules({ timeout: { type: "integer", minimum: 1, maximum: 9, default: 5 }, start: { type: "string", required: true }, mode: { type: "string", enum: ["a", "b"] }, odd: 7 });
  it("are read from its schema, required ones first", () => {
    expect(rules.map((rule) => rule.name)).toEqual(["start", "mode", "timeout"]);
    expect(optionRules(null)).toEqual([]);
  });
  it("are checked as the server does", () => {
    const fault = (name: string, value: string) => optionFault(rules.find((rule) => rule.name === name)!, value);
    expect(fault("start", "")).toBe("is required");
    expect(fault("timeout", "0")).toContain("1 or more");
    expect(fault("timeout", "1.5")).toContain("whole number");
    expect(fault("mode", "c")).toContain("one of");
    expect(fault("timeout", "")).toBe("");
  });
});

describe("labels and times", () => {
  it("are read as they are typed", () => {
    expect(labelsOf("env=prod, site=ber")).toEqual({ labels: { env: "prod", site: "ber" }, fault: "" });
    expect(labelsOf("env").fault).toContain("name=value");
    expect(labelsText({ b: "2", a: "1" })).toBe("a=1 b=2");
  });
  it("say a cron expression in words", () => {
    expect(inWords("30 3 * * 1")).toBe("At 03:30, only on Monday");
    expect(inWords("@daily")).toBe(inWords("0 0 * * *"));
    expect(inWords("nonsense")).toBe("");
    expect(timeIn("Europe/Berlin", "2026-12-24T12:00:00Z")).toContain("13:00");
  });
});

describe("words", () => {
  it("are quoted for a shell", () => {
    expect(quoted("a b")).toBe("'a b'");
    expect(command("role", "show", "it's; rm -rf /")).toBe("rolesync role show 'it'\\''s; rm -rf /'");
    expect(planCommand({ roles: ["web"], nodes: ["n1"], restart: "auto" })).toBe("rolesync plan --role web --node n1");
  });
  it("say sizes and times", () => {
    expect([bytes(999), bytes(1500), bytes(21_000_000)]).toEqual(["999 B", "1.5 kB", "21 MB"]);
    expect([duration(59), duration(61), duration(7300)]).toEqual(["59 s", "1 min 1 s", "2 h 1 min"]);
    expect([ago(null, 0), ago("1970-01-01T00:00:00Z", 120_000)]).toEqual(["never", "2 min ago"]);
    expect(firstLine("a\nb")).toBe("a");
  });
});
