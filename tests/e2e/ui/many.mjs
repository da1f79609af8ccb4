// SPDX-License-Identifier: Apache-2.0
// The matrix with very many nodes: few rows in the document, whatever is scrolled to is there, and
// a job over all nodes can be read. Prints what it took.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { openBrowser, openPage } from "./browser.mjs";
import { costOfScrolling } from "./scroll.mjs";

const world = JSON.parse(readFileSync(0, "utf8"));
const browser = await openBrowser(world);
const roles = 7;
const last = `sim-${String(world.nodes).padStart(5, "0")}`;
const say = (what, begin) => console.log(`${what}: ${Date.now() - begin} ms`);
let failed = false;

const rowsInDocument = (page) => page.locator("tbody tr").count();

// The budget of the matrix: no step of a scroll keeps the page's main thread busy for 100 ms, and a
// row stays cheap however many roles it shows (a cell is a <td>, a button, up to four marks and its name).
async function scrollThrough(page) {
  const cost = await costOfScrolling(page, ".box");
  const perRow = cost.elements / (cost.pixels / 60);
  console.log(`a step of the scroll: ${cost.usual.toFixed(1)} ms of CPU, ${cost.longest.toFixed(1)} at most; ${perRow.toFixed(1)} elements per row`);
  assert.ok(cost.pixels > 60 * (world.nodes - 30), "it was scrolled to the end");
  assert.ok(cost.longest < 100, `a step took ${cost.longest} ms of CPU`);
  assert.ok(perRow < 7 * (roles + 1), `${perRow} elements for a row`);
}

// Holds every answer of the server back until all that the first screen needs has been asked for:
// were one asked for only after another's answer, the last would never come.
async function firstScreenInOneRoundTrip(page) {
  const needed = ["/api/session", "/api/status", "/api/commits"];
  const asked = new Set();
  let release;
  const all = new Promise((done) => (release = done));
  await page.route("**/api/**", async (route) => {
    asked.add(new URL(route.request().url()).pathname);
    if (needed.every((path) => asked.has(path))) release();
    await all;
    await route.continue();
  });
  await page.goto(`${world.url}/`);
  await page.getByRole("button", { name: "role-1 on sim-00001, details" }).waitFor();
  await page.unroute("**/api/**");
}

// Each screen comes, does not put all nodes into the document, and is no wider than its window.
async function everyScreen(page, shoot) {
  const screens = [
    ["/?group=role", "Overview", "role-1 on sim-00001, details"], ["/code-sync", "Code sync", "Pull now"], ["/code-sync/plan", "Plan a sync", "Approve and start"],
    ["/nodes", "Nodes", "Join a node"], ["/roles", "Roles", "role-3"], ["/roles?role=role-3", "Roles", "Save"],
    ["/schedules", "Schedules", "New schedule"], ["/plugins", "Plugins", "command"], ["/audit", "Audit", "Export"], ["/settings", "Settings", "Make the token"],
  ];
  for (const [path, title, button] of screens) {
    const begin = Date.now();
    await page.goto(world.url + path);
    await page.getByRole("heading", { name: title, exact: true, includeHidden: true }).waitFor();
    await page.getByRole("button", { name: button, exact: !button.endsWith("details") }).first().waitFor();
    const { elements, width } = await page.evaluate(() => ({ elements: document.querySelectorAll("*").length, width: document.documentElement.scrollWidth }));
    console.log(`${path}: ${Date.now() - begin} ms, ${elements} elements`);
    assert.ok(elements < 8 * world.nodes, `${path} has ${elements} elements`);
    assert.ok(width <= 1280, `${path} is ${width} px wide`);
    await shoot(`many${path.replaceAll(/[^a-z-]+/g, "-")}`);
  }
}

// A name that is not on the first page is found, and only as many nodes as fit a page come at once.
async function nodesByPage(page) {
  await page.goto(`${world.url}/nodes`);
  await page.getByRole("link", { name: "sim-00100" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "sim-00101" }).count(), 0);
  await page.getByRole("button", { name: "Show more" }).click();
  await page.getByRole("link", { name: "sim-00200" }).waitFor();
  await page.getByLabel("Filter").fill(last);
  await page.getByRole("link", { name: last }).waitFor();
  await page.getByLabel("Filter").fill("state:offline");
  await page.getByText("No node fits the filter").waitFor();
}

async function story({ page, shoot, complaints }) {
  page.context().setDefaultTimeout(120_000);
  await page.goto(world.url);
  await page.getByLabel("API token").fill(world.token);
  let begin = Date.now();
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "role-7 on sim-00001, details" }).waitFor();
  say("from log in to the matrix", begin);
  assert.ok((await rowsInDocument(page)) < 60, "only rows in sight are in the document");
  await shoot("many-overview");

  await firstScreenInOneRoundTrip(page);
  await scrollThrough(page);
  await page.getByRole("button", { name: `role-7 on ${last}, details` }).waitFor();
  assert.ok((await rowsInDocument(page)) < 60);

  begin = Date.now();
  await page.getByLabel("Filter").fill("node:sim-00777 role:role-3");
  await page.getByRole("button", { name: "role-3 on sim-00777, details" }).waitFor();
  say("filtered", begin);
  await page.getByLabel("Filter").fill("");

  await page.goto(`${world.url}/code-sync/plan?role=role-1`);
  begin = Date.now();
  await page.getByText(`${world.nodes} changes on ${world.nodes} nodes`).waitFor();
  say("planned", begin);
  await page.getByLabel("When more nodes fail than may").selectOption("continue");
  await page.getByRole("button", { name: "Approve and start" }).click();
  begin = Date.now();
  await page.locator("h1", { hasText: /partly failed|succeeded|failed/ }).waitFor({ timeout: 300_000 });
  say("ran", begin);
  await shoot("many-job");
  await everyScreen(page, shoot);
  await nodesByPage(page);
  await page.goto(`${world.url}/nodes/sim-00001`);
  await page.getByRole("button", { name: "Release acme_probe" }).click();
  await page.getByText("is told; its next heartbeat says the state").waitFor();
  assert.deepEqual(complaints, []);
}

try {
  await story(await openPage(world, browser));
} catch (error) {
  console.log(String(error.stack ?? error));
  failed = true;
} finally {
  await browser.program.close();
}
process.exit(failed ? 1 : 0);
