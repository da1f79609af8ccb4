// SPDX-License-Identifier: Apache-2.0
// Options of a plugin as its schema says them (docs/plugin-guide.md): what a form needs. Pure.

export interface OptionRule {
  name: string;
  type: "string" | "integer" | "number" | "boolean";
  required: boolean;
  usual: string; // the default as text, "" when there is none
  choices: string[];
  minimum?: number;
  maximum?: number;
  help: string;
}

const types = ["string", "integer", "number", "boolean"];

export function optionRules(schema: unknown): OptionRule[] {
  if (typeof schema !== "object" || schema === null) return [];
  const rules: OptionRule[] = [];
  for (const [name, rule] of Object.entries(schema as Record<string, Record<string, unknown>>)) {
    if (typeof rule !== "object" || rule === null || !types.includes(String(rule.type))) continue;
    rules.push({
      name,
      type: rule.type as OptionRule["type"],
      required: rule.required === true,
      usual: rule.default === undefined ? "" : String(rule.default),
      choices: Array.isArray(rule.enum) ? rule.enum.map(String) : [],
      ...(typeof rule.minimum === "number" ? { minimum: rule.minimum } : {}),
      ...(typeof rule.maximum === "number" ? { maximum: rule.maximum } : {}),
      help: typeof rule.help === "string" ? rule.help : "",
    });
  }
  return rules.sort((a, b) => Number(b.required) - Number(a.required) || a.name.localeCompare(b.name));
}

// What is wrong with a value before the server says so; "" when nothing is.
export function optionFault(rule: OptionRule, value: string): string {
  if (value === "") return rule.required ? "is required" : "";
  if (rule.choices.length > 0) return rule.choices.includes(value) ? "" : `must be one of ${rule.choices.join(", ")}`;
  if (rule.type === "boolean") return value === "true" || value === "false" ? "" : "must be true or false";
  if (rule.type === "string") return "";
  const number = Number(value);
  if (!Number.isFinite(number) || (rule.type === "integer" && !Number.isInteger(number))) return `must be a ${rule.type === "integer" ? "whole " : ""}number`;
  if (rule.minimum !== undefined && number < rule.minimum) return `must be ${rule.minimum} or more`;
  if (rule.maximum !== undefined && number > rule.maximum) return `must be ${rule.maximum} or less`;
  return "";
}
