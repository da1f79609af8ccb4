// SPDX-License-Identifier: Apache-2.0
// The whole story in a browser: log in, set up, see a commit become outdated live, plan, approve,
// watch it run, see drift, meet a conflict, a failed plugin, log out.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { openBrowser, openPage } from "./browser.mjs";
import { makeWorld } from "./world.mjs";
import { steps } from "./steps.mjs";

const world = JSON.parse(readFileSync(0, "utf8"));
const outside = makeWorld(world);
const browser = await openBrowser(world);
const findings = [];
let failed = false;

try {
  const first = await openPage(world, browser);
  const story = { world, outside, browser, findings, ...first, goto: (path) => first.page.goto(world.url + path) };
  for (const run of steps) {
    const name = run.name;
    const begin = Date.now();
    try {
      await run(story);
    } catch (error) {
      await first.shoot(`failed-${name}`).catch(() => {});
      throw new Error(`${name}: ${error.stack ?? error}`);
    }
    console.log(`${name}: ${Date.now() - begin} ms`);
  }
  assert.deepEqual(first.complaints, [], "the browser's console must stay clean");
  assert.deepEqual(findings, [], "axe must find nothing");
} catch (error) {
  console.log(String(error.stack ?? error));
  for (const finding of findings) console.log(`axe: ${finding}`);
  failed = true;
} finally {
  await browser.program.close();
  await outside.close();
}
process.exit(failed ? 1 : 0);
