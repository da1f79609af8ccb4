// SPDX-License-Identifier: Apache-2.0
// A real Chromium for the story, with what every page must hold: no error in the console, nothing
// that the Content-Security-Policy refused, no violation of axe's rules in either theme.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export async function openBrowser(world) {
  const require = createRequire(join(world.web, "package.json"));
  const { chromium } = require("playwright-core");
  const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  const program = await chromium.launch({
    executablePath: world.chromium,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb"],
  });
  mkdirSync(world.screenshots, { recursive: true });
  return { program, axe };
}

export async function openPage(world, { program, axe }) {
  const context = await program.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const complaints = [];
  const commands = new Set();
  page.on("console", (message) => {
    // The browser itself notes every answer of 4xx; those that a step provokes are checked there.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error.stack ?? error)));
  page.on("dialog", (dialog) => {
    complaints.push(`a script opened a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });

  const setTheme = async (theme) => {
    await page.evaluate((name) => document.documentElement.classList.toggle("dark", name === "dark"), theme);
  };

  // axe runs in a world of its own, so that the page's policy does not have to let it in.
  const session = await context.newCDPSession(page);
  async function axeFindings() {
    const { frameTree } = await session.send("Page.getFrameTree");
    const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
    await session.send("Runtime.evaluate", { expression: axe, contextId: executionContextId });
    const run = `axe.run(document, {resultTypes: ["violations"]}).then((r) => JSON.stringify(r.violations.map((v) =>
      v.id + ": " + v.nodes.slice(0, 4).map((n) => n.target.join(" ") + " " + n.failureSummary.split("\\n")[1]).join(" | "))))`;
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression: run, contextId: executionContextId, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(`axe: ${JSON.stringify(exceptionDetails)}`);
    return JSON.parse(result.value);
  }

  async function shoot(name) {
    await page.screenshot({ path: join(world.screenshots, `${name}.png`) });
  }

  // At 200 % zoom a window of 1280 x 800 has room for 640 x 400: nothing may be wider than that, on the
  // page or in a dialog, and no word may be cut off.
  async function zoomFindings(name) {
    await page.setViewportSize({ width: 640, height: 400 });
    await page.waitForTimeout(100);
    await shoot(`${name}-zoomed`);
    const found = await page.evaluate(tooWide);
    await page.setViewportSize({ width: 1280, height: 800 });
    return found.map((finding) => `${name} (200 %) ${finding}`);
  }

  // One screen as it is now: a picture and axe, light and dark; at 1280 pixels and at 200 %; and the
  // commands that it offers are kept, to be tried with the real program.
  async function look(name) {
    const found = [];
    for (const line of await page.locator(".cli code").allTextContents()) commands.add(line);
    for (const theme of ["light", "dark"]) {
      await setTheme(theme);
      await page.waitForTimeout(350); // transitions of colours, which axe would measure halfway
      await shoot(`${name}-${theme}`);
      for (const finding of await axeFindings()) found.push(`${name} (${theme}) ${finding}`);
    }
    await setTheme("light");
    found.push(...(await page.evaluate(tooWide)).map((finding) => `${name} (1280) ${finding}`));
    return [...found, ...(await zoomFindings(name))];
  }
  return { context, page, complaints, commands, look, shoot };
}

// In the page: what sticks out of it, of a dialog, or of its own box.
function tooWide() {
  const found = [];
  const name = (element) => `${element.tagName.toLowerCase()}.${[...element.classList].join(".")} "${element.textContent.trim().slice(0, 40)}"`;
  const rolls = (element) => element !== null && (getComputedStyle(element).overflowX !== "visible" || rolls(element.parentElement));
  if (document.documentElement.scrollWidth > innerWidth) {
    const culprits = [...document.querySelectorAll("main *")].filter((element) => element.getBoundingClientRect().right > innerWidth && !rolls(element.parentElement));
    found.push(`the page is ${document.documentElement.scrollWidth} px wide: ${culprits.slice(0, 3).map(name).join(", ")}`);
  }
  for (const dialog of document.querySelectorAll(".el-dialog, .el-drawer")) {
    const { left, right, width } = dialog.getBoundingClientRect();
    if (width > 0 && (left < -1 || right > innerWidth + 1)) found.push(`a dialog reaches from ${left} to ${right}`);
    if (dialog.scrollWidth > dialog.clientWidth + 1) found.push(`what is in a dialog is ${dialog.scrollWidth} px wide`);
  }
  for (const element of document.querySelectorAll("h1, h2, h3, button, .mark, .chip, dd, label")) {
    if (element.clientWidth > 1 && element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX !== "visible") found.push(`cut: ${name(element)}`);
  }
  return found.slice(0, 8);
}
