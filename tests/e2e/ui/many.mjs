// SPDX-License-Identifier: Apache-2.0
// The matrix with very many nodes: few rows in the document, whatever is scrolled to is there, and
// a job over all nodes can be read. Prints what it took.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { openBrowser, openPage } from "./browser.mjs";

const world = JSON.parse(readFileSync(0, "utf8"));
const browser = await openBrowser(world);
const last = `sim-${String(world.nodes).padStart(5, "0")}`;
const say = (what, begin) => console.log(`${what}: ${Date.now() - begin} ms`);
let failed = false;

const rowsInDocument = (page) => page.locator("tbody tr").count();

// How long the page could not answer while the table was scrolled from end to end.
async function scrollThrough(page) {
  return page.evaluate(async () => {
    const long = [];
    const watch = new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => Math.round(entry.duration))));
    watch.observe({ type: "longtask" });
    const box = document.querySelector(".box");
    for (let i = 0; i <= 100; i += 1) {
      box.scrollTop = ((box.scrollHeight - box.clientHeight) * i) / 100;
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    }
    await new Promise((done) => setTimeout(done, 200));
    watch.disconnect();
    return long;
  });
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

  begin = Date.now();
  const long = await scrollThrough(page);
  say("scrolled through", begin);
  console.log(`long tasks while scrolling: ${JSON.stringify(long)}`);
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
  await page.getByText("go on with the other nodes").click();
  await page.getByRole("button", { name: "Approve and start" }).click();
  begin = Date.now();
  await page.locator("h1", { hasText: /partly failed|succeeded|failed/ }).waitFor({ timeout: 300_000 });
  say("ran", begin);
  await shoot("many-job");
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
