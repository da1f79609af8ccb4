// SPDX-License-Identifier: Apache-2.0
// In style sheets, icon("circle-check") stands for that Lucide icon as a data URI. Used as a mask it
// takes the colour of the text beside it, and costs no element: a matrix of thousands of states
// would otherwise be thousands of SVG trees.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";

type Shape = [string, Record<string, string>];

async function shapesOf(name: string): Promise<Shape[]> {
  const file = fileURLToPath(new URL(`../node_modules/@lucide/vue/dist/esm/icons/${name}.mjs`, import.meta.url));
  if (!existsSync(file)) throw new Error(`icon("${name}"): Lucide has no icon of this name`);
  return (await import(file)).__iconData.node;
}

export async function iconUri(name: string): Promise<string> {
  const shapes = (await shapesOf(name)).map(([tag, { key: _, ...attributes }]) =>
    `<${tag} ${Object.entries(attributes).map(([word, value]) => `${word}='${value}'`).join(" ")}/>`);
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='#000' stroke-width='2' stroke-linecap='round' stroke-linejoin='round'>${shapes.join("")}</svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg).replaceAll("%20", " ").replaceAll("%3D", "=").replaceAll("%2F", "/")}")`;
}

export const icons: Plugin = {
  name: "icons",
  enforce: "pre",
  async transform(code, id) {
    if (!id.endsWith(".css") || !code.includes("icon(")) return null;
    const names = [...new Set([...code.matchAll(/icon\("([a-z0-9-]+)"\)/g)].map((found) => found[1]!))];
    let text = code;
    for (const name of names) text = text.replaceAll(`icon("${name}")`, await iconUri(name));
    return { code: text, map: null };
  },
};
