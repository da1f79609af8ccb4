// SPDX-License-Identifier: Apache-2.0
// The steps of the story, in this order; each leaves the browser where the next begins.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

// Tab, as often as it takes; what has the focus must be seen to have it.
async function tabTo(page, name) {
  for (let i = 0; i < 80; i += 1) {
    await page.keyboard.press("Tab");
    const now = await page.evaluate(() => {
      const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement);
      return { name: document.activeElement.textContent.trim(), seen: outlineStyle !== "none" || boxShadow !== "none" };
    });
    if (now.name !== name) continue;
    assert.ok(now.seen, `the focus on "${name}" can be seen`);
    return;
  }
  throw new Error(`Tab does not reach "${name}"`);
}

const payload = "<img src=x onerror=alert(1)><script>alert(2)</script>";

async function logInWithAWrongTokenFirst({ page, goto, look, findings, world }) {
  await goto("/nodes/node-1");
  await page.getByLabel("API token").fill(`rs_${"0".repeat(64)}`);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("this server does not know the token").waitFor();
  findings.push(...(await look("login")));
  await page.getByLabel("API token").fill(world.token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "node-1" }).waitFor(); // the deep link was kept
  assert.equal(await page.evaluate(() => document.cookie), "", "no script can read the cookie");
  await page.getByText("live", { exact: true }).waitFor();
}

async function emptyScreensTeach({ page, goto, look, findings }) {
  await goto("/");
  await page.getByRole("heading", { name: "First steps" }).waitFor();
  await page.getByText("1 of 5 done").waitFor(); // the agents have joined
  assert.equal(await page.locator('[aria-current="step"] strong').textContent(), "The code source is set");
  findings.push(...(await look("overview-empty")));
}

async function setTheCodeSource({ page, goto, world, look, findings }) {
  await goto("/code-sync");
  await page.getByText("No code source yet").waitFor();
  await page.getByRole("button", { name: "Set", exact: true }).click();
  await page.getByLabel("Node that holds the repository").selectOption("node-1");
  await page.getByLabel("Repository (absolute path there)").fill(world.repository);
  findings.push(...(await look("source-dialog")));
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Pull now" }).click();
  await page.getByText("The first version").waitFor();
}

async function makeARole({ page, goto, outside, look, findings }) {
  await goto("/roles");
  await page.getByRole("button", { name: "New role" }).click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("web");
  await page.getByLabel("Display name").fill(`Web ${payload}`);
  await page.getByLabel("Source paths").fill("web");
  await page.getByLabel("Target path").fill("/srv/web");
  await page.getByLabel("Restart strategy").selectOption("command");
  await page.getByLabel("timeout_seconds").fill("0");
  await page.getByText("must be 1 or more").waitFor(); // the schema of the plugin drew this form
  findings.push(...(await look("role-new")));
  await page.getByLabel("timeout_seconds").fill("");
  await page.getByLabel("Restart strategy").selectOption("none");
  await page.getByRole("button", { name: "Save" }).click();
  // Saved: the dialog now knows the role and offers nodes.
  await page.getByRole("heading", { name: "On nodes" }).waitFor();
  for (const node of ["node-1", "node-2", "node-3"]) {
    const pick = page.getByRole("button", { name: node, exact: true });
    await pick.click();
    await page.locator(`button[aria-pressed="true"]:text-is("${node}")`).waitFor();
  }
  findings.push(...(await look("role-edit")));
  await page.getByRole("button", { name: "Close", exact: true }).click();
  await outside.api("PUT", "/api/roles/docs", { role_name: "docs", source_paths: ["docs"], target_path: "/srv/docs", restart_strategy: "none" });
  await outside.api("PUT", "/api/nodes/node-2/roles", { roles: ["docs", "web"] });
}

async function planAndApproveByKeyboard({ page, goto, look, findings, outside }) {
  await goto("/code-sync/plan?role=web");
  await page.getByText("3 changes on 3 nodes").waitFor();
  findings.push(...(await look("plan")));
  // The same without a mouse, from the overview on.
  await goto("/");
  await page.getByRole("button", { name: "web on node-1, details" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("c");
  await page.getByRole("heading", { name: "Code sync" }).waitFor();
  await tabTo(page, "Plan a sync");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Targets" }).waitFor();
  await page.getByRole("button", { name: "web", exact: true }).waitFor();
  await tabTo(page, "web");
  await page.keyboard.press("Space");
  await page.waitForURL(/role=web/);
  await page.getByText("3 changes on 3 nodes").waitFor();
  await tabTo(page, "Approve and start");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /Sync of web/ }).waitFor();
  await page.locator("h1", { hasText: "succeeded" }).waitFor();
  assert.equal(outside.read("node-2", "srv/web/app.js"), "app.js one\n");
  await page.getByRole("button", { name: "Log of web on node-1" }).click();
  findings.push(...(await look("job")));
  await goto("/");
  await page.locator("td", { hasText: "current" }).first().waitFor();
  await page.getByRole("heading", { name: "First steps" }).waitFor({ state: "detached" }); // all of them are done
}

async function aCommitBecomesOutdatedLive({ page, outside, look, findings }) {
  outside.commit({ "web/app.js": "app.js two\n", [`web/${payload.split("<script>")[0]}.txt`]: "a name\n" }, `Faster start ${payload}`);
  await outside.api("POST", "/api/code-sync/pull", {});
  await page.getByText(`Faster start ${payload}`).waitFor(); // as text; a dialog would fail the story
  await page.getByRole("link", { name: /4 outdated/ }).click();
  await page.waitForURL(/state:outdated/);
  await page.getByRole("button", { name: /web on node-2, details/ }).click();
  await page.getByText("Commits not here yet").waitFor();
  await page.getByRole("button", { name: "Show files" }).click();
  await page.getByText("app.js").first().waitFor();
  findings.push(...(await look("cell-panel")));
  await page.keyboard.press("Escape");
  await page.getByLabel("Filter").fill("");
  await page.getByRole("button", { name: /docs on node-2, details/ }).waitFor();
  findings.push(...(await look("overview")));
  await page.getByLabel("Group by").selectOption("role");
  await page.getByText("1 node").first().waitFor();
  findings.push(...(await look("overview-grouped")));
}

async function aSecondBrowserSeesTheRolloutLive({ page, goto, world, browser, outside }) {
  const { openPage } = await import("./browser.mjs");
  const second = await openPage(world, browser);
  const reader = await outside.api("POST", "/api/tokens", { name: "reader", scopes: ["read"] });
  await second.page.goto(`${world.url}/code-sync/plan?role=web`);
  await second.page.getByLabel("API token").fill(reader.token);
  await second.page.getByRole("button", { name: "Log in" }).click();
  await second.page.getByText("it needs the scope sync").waitFor();
  assert.ok(await second.page.getByRole("button", { name: "Approve and start" }).isDisabled());
  await second.page.goto(`${world.url}/?q=role:web`);
  await second.page.getByRole("button", { name: /web on node-3, details/ }).waitFor();
  await goto("/code-sync/plan?role=web");
  await page.getByRole("button", { name: "Approve and start" }).click();
  await page.locator("h1", { hasText: "succeeded" }).waitFor();
  await second.page.getByRole("link", { name: /4 current/ }).waitFor();
  assert.equal(outside.read("node-3", "srv/web/app.js"), "app.js two\n");
  assert.deepEqual(second.complaints, []);
  await second.context.close();
}

async function aFailureIsFirstAndSaysWhy({ page, goto, outside, look, findings }) {
  await outside.api("PUT", "/api/roles/web", { role_name: "web", display_name: "Web", source_paths: ["web"], target_path: "/srv/web", restart_strategy: "none", post_sync_cmd: ["sh", "check.sh"] });
  outside.commit({ "web/check.sh": `echo 'port 5173 does not answer ${payload}'; exit 3\n` }, "A bad one");
  await outside.api("POST", "/api/code-sync/pull", {});
  await goto("/code-sync/plan?role=web&node=node-1&node=node-2");
  await page.getByText("2 changes on 2 nodes").waitFor();
  await page.getByRole("button", { name: "Approve and start" }).click();
  await page.locator("h1", { hasText: /rolled back|failed/ }).waitFor();
  await page.getByText(`port 5173 does not answer ${payload}`).first().waitFor();
  findings.push(...(await look("job-failed")));
  await page.getByRole("link", { name: "Plan a retry" }).waitFor();
  await outside.api("PUT", "/api/roles/web", { role_name: "web", display_name: "Web", source_paths: ["web"], target_path: "/srv/web", restart_strategy: "none" });
}

async function driftIsShownAndRestored({ page, goto, outside, look, findings }) {
  await goto("/nodes/node-3");
  await page.getByRole("heading", { name: "node-3" }).waitFor();
  outside.edit("node-3", "srv/web/style.css", "edited by hand\n");
  await page.getByText("1 file changed by hand").waitFor({ timeout: 60_000 });
  await page.getByText(/^CPU/).first().waitFor();
  await page.locator(".uplot canvas").waitFor();
  await page.getByText("style.css").first().waitFor();
  await page.getByRole("button", { name: "Verify web" }).click();
  await page.getByText(/files read at .*1 differ/).waitFor();
  await page.getByText("as commands for web on node-3").click();
  await page.getByText("rolesync node verify node-3 --role web").waitFor();
  await page.getByRole("button", { name: "Compare with the commits web" }).click();
  await page.getByText("other content; as no commit has it").waitFor();
  await page.getByRole("button", { name: "change labels" }).click();
  await page.getByRole("textbox", { name: "Labels" }).fill("env=prod");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("env=prod").waitFor();
  findings.push(...(await look("node")));
  await goto("/?group=label:env&q=label:env=prod");
  await page.getByRole("rowheader", { name: /env=prod 1 node/ }).waitFor();
  // Restored: ours is back, the edit is kept beside it.
  await goto("/nodes/node-3");
  await page.getByRole("region", { name: "Drift of web" }).getByRole("link", { name: "Plan a sync" }).click();
  await page.getByText("1 change on 1 node").waitFor();
  await page.getByRole("button", { name: "Approve and start" }).click();
  await page.locator("h1", { hasText: "succeeded" }).waitFor();
  await page.getByRole("button", { name: "Log of web on node-3" }).click();
  await page.getByText("The edited style.css was kept as").waitFor();
  assert.equal(outside.read("node-3", "srv/web/style.css"), "style.css one\n");
}

// One node first; the others wait until somebody has looked at it.
async function aCanaryIsPromoted({ page, goto, outside, look, findings }) {
  outside.commit({ "web/app.js": "app.js three\n" }, "Behind a canary");
  await outside.api("POST", "/api/code-sync/pull", {});
  await goto("/code-sync/plan?role=web");
  await page.getByText("3 changes on 3 nodes").waitFor();
  await page.getByText("How many nodes at a time").click();
  await page.getByLabel("Canaries").fill("one");
  await page.getByText("a number or a percentage").waitFor();
  assert.ok(await page.getByRole("button", { name: "Approve and start" }).isDisabled());
  await page.getByLabel("Canaries").fill("1");
  await page.getByText(/rolesync sync --plan .* --canaries 1$/).waitFor();
  findings.push(...(await look("plan-rollout")));
  await page.getByRole("button", { name: "Approve and start" }).click();
  await page.getByText("The canaries are done.").waitFor();
  assert.equal(["node-1", "node-2", "node-3"].filter((node) => outside.read(node, "srv/web/app.js") === "app.js three\n").length, 1);
  await page.getByText("0 nodes of 3 failed, none may").waitFor();
  await page.getByRole("button", { name: /^Log of web on / }).last().click();
  await page.getByText("as commands for this job").click();
  findings.push(...(await look("job-canary")));
  await page.getByRole("button", { name: "Promote: the others follow" }).click();
  await page.locator("h1", { hasText: "succeeded" }).waitFor();
  assert.equal(outside.read("node-3", "srv/web/app.js"), "app.js three\n");
}

// What each scope lets somebody press; what is refused here the server refuses too.
async function aTokenMayDoWhatItsScopesSay({ world, browser, outside }) {
  const { openPage } = await import("./browser.mjs");
  const buttons = [
    { path: "/code-sync", name: "Pull now", scope: "sync" },
    { path: "/code-sync", name: "Change", scope: "admin" },
    { path: "/code-sync/plan?role=docs&node=node-2", name: "Plan again", scope: "read" },
    { path: "/nodes", name: "Join a node", scope: "admin" },
    { path: "/nodes/node-2", name: "Restart docs", scope: "sync" },
    { path: "/nodes/node-2", name: "Assign roles", scope: "admin" },
    { path: "/roles", name: "New role", scope: "admin" },
    { path: "/schedules", name: "New schedule", scope: "admin" },
    { path: "/schedules", name: "New freeze", scope: "approve" },
  ];
  for (const scopes of [["read"], ["read", "sync"], ["read", "approve"]]) {
    const { token } = await outside.api("POST", "/api/tokens", { name: `may-${scopes.at(-1)}`, scopes });
    const { page, context, complaints } = await openPage(world, browser);
    await page.goto(world.url);
    await page.getByLabel("API token").fill(token);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    for (const { path, name, scope } of buttons) {
      if (!page.url().endsWith(path)) await page.goto(world.url + path);
      const button = page.getByRole("button", { name, exact: true });
      await button.waitFor();
      assert.equal(await button.isEnabled(), scopes.includes(scope), `${name} with ${scopes}`);
    }
    const refused = await page.evaluate(async () => {
      const { csrf_token } = await (await fetch("/api/session")).json();
      const answer = await fetch("/api/nodes/node-2/roles", { method: "PUT", headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf_token }, body: '{"roles": []}' });
      return answer.status;
    });
    assert.equal(refused, 403);
    assert.deepEqual(complaints, []);
    await context.close();
  }
}

async function aConflictIsShownAndNothingOverwritten({ page, goto, outside, look, findings }) {
  await goto("/roles?role=docs");
  await page.getByLabel("Target path").fill("/srv/documents");
  await page.getByLabel("Display name").fill("Documentation");
  await outside.api("PUT", "/api/roles/docs", { role_name: "docs", display_name: "The docs", source_paths: ["docs"], target_path: "/srv/docs", restart_strategy: "none" });
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Somebody changed this role while you edited it").waitFor();
  assert.equal((await outside.api("GET", "/api/roles/docs")).display_name, "The docs");
  findings.push(...(await look("role-conflict")));
  await page.getByRole("button", { name: "Take theirs for Display name" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  const role = await outside.api("GET", "/api/roles/docs");
  assert.equal(role.display_name, "The docs");
  assert.equal(role.target_path, "/srv/documents");
}

async function schedulesAndFreezes({ page, goto, look, findings }) {
  await goto("/schedules");
  await page.getByText("Nothing starts by itself").waitFor();
  await page.getByRole("button", { name: "New schedule" }).click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("nightly");
  await page.getByLabel("When (minute").fill("30 3 * * 1");
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  await page.getByText("At 03:30, only on Monday").waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".times li").length === 5);
  await page.getByLabel("Maintenance windows").fill("mon-fri 02:00-05:00");
  findings.push(...(await look("schedule-new")));
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Pause nightly" }).click();
  await page.getByRole("button", { name: "Resume nightly" }).click();
  await page.getByRole("button", { name: "Pause nightly" }).waitFor();
  await page.getByRole("button", { name: "New freeze" }).click();
  await page.getByLabel("Why").fill(`end of the quarter ${payload}`);
  await page.getByRole("button", { name: "Freeze", exact: true }).click();
  await page.getByRole("button", { name: `Lift end of the quarter ${payload}` }).waitFor();
  findings.push(...(await look("schedules")));
  await goto("/code-sync/plan?role=docs");
  await page.getByText("Frozen:").first().waitFor();
  assert.ok(await page.getByRole("button", { name: "Approve and start" }).isDisabled());
  findings.push(...(await look("plan-frozen")));
  await goto("/schedules");
  await page.getByRole("button", { name: "Lift end of the quarter" }).click();
  await page.getByText("Nothing is frozen.").waitFor();
}

// A second person in a browser of their own.
async function openAs({ world, browser, outside }, name, scopes) {
  const { openPage } = await import("./browser.mjs");
  const { id, token } = await outside.api("POST", "/api/tokens", { name, scopes });
  const second = await openPage(world, browser);
  await second.page.goto(world.url);
  await second.page.getByLabel("API token").fill(token);
  await second.page.getByRole("button", { name: "Log in" }).click();
  await second.page.getByRole("heading", { name: "Overview" }).waitFor();
  return { ...second, id };
}

async function somebodyElseApproves(story) {
  const { page, goto, outside, look, findings } = story;
  await goto("/settings");
  await page.getByRole("button", { name: "New policy" }).click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill("documents");
  await page.locator("#policy-roles").fill("docs");
  await page.getByText("rolesync approval set documents --approvals 1 --role docs").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("docs on all nodes").waitFor();
  await goto("/code-sync/plan?role=docs&node=node-2");
  await page.getByText("1 change on 1 node").waitFor();
  await page.getByRole("button", { name: "Approve and start" }).click();
  await page.getByText("somebody else has to approve it").waitFor();
  assert.ok(await page.getByRole("button", { name: "Approve", exact: true }).isDisabled());
  findings.push(...(await look("job-awaiting")));
  const second = await openAs(story, "bob", ["read", "approve"]);
  await second.page.getByRole("link", { name: "1 job waits for approval" }).click();
  await second.page.getByText("0 of 1 approval, from anybody else").waitFor();
  await second.page.getByLabel("A word to it").fill(`fine ${payload}`);
  await second.page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.locator("h1", { hasText: "succeeded" }).waitFor(); // the first one sees it live
  await page.getByText("waits for approval").waitFor({ state: "detached" });
  assert.deepEqual(second.complaints, []);
  await second.context.close();
  await goto("/settings");
  await page.getByRole("button", { name: "Remove documents" }).click();
  await page.getByText("No sync waits for anybody else").waitFor();
}

async function tokensAreListedAndEnd(story) {
  const { page, goto, look, findings } = story;
  const second = await openAs(story, "eve", ["read"]);
  await goto("/settings");
  await page.getByRole("button", { name: "Revoke eve" }).click();
  findings.push(...(await look("settings-tokens")));
  await page.getByRole("button", { name: "Yes, revoke eve" }).click();
  await page.getByRole("button", { name: /evoke eve/ }).waitFor({ state: "detached" });
  await page.getByText("also revoked ones").click();
  await page.locator("tr", { hasText: "eve" }).getByText("revoked", { exact: true }).waitFor();
  await second.page.goto(`${story.world.url}/nodes`);
  await second.page.getByLabel("API token").waitFor(); // the browser that it had opened is out as well
  await second.context.close();
}

async function theAuditLogIsReadCheckedAndKept({ page, goto, look, findings }) {
  await goto("/audit");
  await page.getByText("token.revoke").first().waitFor();
  await page.getByLabel("Who").fill("bob");
  await page.waitForURL(/actor=bob/);
  await page.getByText("token.revoke").first().waitFor({ state: "detached" });
  await page.getByText(`fine ${payload}`).waitFor();
  await page.getByRole("button", { name: "Check the whole log" }).click();
  await page.getByText(/The log is whole: \d+ entries/).waitFor();
  findings.push(...(await look("audit")));
  await page.getByLabel("Who").fill("");
  await page.getByText("token.revoke").first().waitFor();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export", exact: true }).click()]);
  const lines = readFileSync(await file.path(), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(lines.length > 20 && lines[0].sequence === 1 && lines.every((line, i) => line.sequence === i + 1), `${lines.length} entries, in order`);
}

async function aBadPluginSaysWhy({ page, goto, world, look, findings }) {
  await goto("/plugins");
  await page.getByRole("button", { name: "command", exact: true }).waitFor();
  writeFileSync(join(world.drop_in, "broken.so"), "this is no library\n", { mode: 0o644 });
  await page.getByText("not_elf").or(page.getByText(/not an? .*(ELF|library)/i)).first().waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "command", exact: true }).click();
  findings.push(...(await look("plugins")));
}

async function joinANode({ page, goto, look, findings }) {
  await goto("/nodes");
  await page.getByRole("button", { name: "Join a node" }).click();
  await page.getByLabel("Name of the node").fill("web-4");
  await page.getByRole("button", { name: "Make a token" }).click();
  await page.getByText(/rolesync-agent join http.* rsj\./).waitFor();
  findings.push(...(await look("join")));
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  findings.push(...(await look("nodes")));
}

async function aNodeIsDrained({ page, goto, look, findings }) {
  await goto("/nodes/node-2");
  await page.getByRole("button", { name: "Drain", exact: true }).click();
  await page.getByLabel("Why").fill(`new memory ${payload}`);
  findings.push(...(await look("drain")));
  await page.getByRole("dialog").getByRole("button", { name: "Drain", exact: true }).click();
  await page.getByText(`new memory ${payload}. Plans leave it out.`).waitFor();
  findings.push(...(await look("node-drained")));
  await page.getByRole("button", { name: "End the drain" }).click();
  await page.getByText("Plans leave it out.").waitFor({ state: "detached" });
}

async function everyOtherScreenIsAccessible({ page, goto, look, findings }) {
  await goto("/code-sync");
  await page.getByText("A bad one").first().waitFor();
  findings.push(...(await look("code-sync")));
  await goto("/roles");
  await page.getByRole("button", { name: "docs", exact: true }).waitFor();
  findings.push(...(await look("roles")));
  await goto("/settings");
  await page.getByLabel("Whose it is").fill("ci");
  await page.getByRole("button", { name: "Make the token" }).click();
  await page.getByText(/^rs_[0-9a-f]{64}$/).waitFor();
  findings.push(...(await look("settings")));
  await goto("/nothing/here");
  await page.getByText("There is nothing at this address").waitFor();
  findings.push(...(await look("not-found")));
}

async function theKeyboardGoesEverywhere({ page, goto, look, findings }) {
  await goto("/");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  findings.push(...(await look("help")));
  await page.keyboard.press("Escape");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor({ state: "hidden" });
  await page.keyboard.press("/");
  await page.getByRole("textbox", { name: "Node, role or screen" }).fill("node-2");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/nodes\/node-2$/);
  await page.getByRole("heading", { name: "node-2" }).waitFor();
}

async function aLostConnectionIsSaid({ page, world, outside, shoot }) {
  process.kill(world.server.pid, "SIGTERM");
  await page.getByText(/connection lost, data is \d+ s old/).waitFor();
  await shoot("connection-lost");
  outside.startServer(world.server.argv); // the session lives on
  await page.getByText("live", { exact: true }).waitFor();
}

async function logOut({ page, goto }) {
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByLabel("API token").waitFor();
  await goto("/roles");
  await page.getByLabel("API token").waitFor();
}

// The commands that the screens offered are commands of the program: each noun and verb is there.
async function everyCommandExists({ world, commands }) {
  assert.ok(commands.size > 25, `${commands.size} commands were offered`);
  const help = (...words) => spawnSync(world.cli, [...words, "--help"], { encoding: "utf8" });
  const tried = new Set();
  for (const line of commands) {
    const [program, noun, verb] = line.split(" ");
    if (program !== "rolesync" || tried.has(`${noun} ${verb}`)) continue;
    tried.add(`${noun} ${verb}`);
    const { status, stdout } = help(noun);
    assert.equal(status, 0, line);
    if (/^Subcommands:/m.test(stdout)) assert.equal(help(noun, verb).status, 0, line);
  }
}

export const steps = [
  logInWithAWrongTokenFirst,
  emptyScreensTeach,
  setTheCodeSource,
  makeARole,
  planAndApproveByKeyboard,
  aCommitBecomesOutdatedLive,
  aSecondBrowserSeesTheRolloutLive,
  aFailureIsFirstAndSaysWhy,
  driftIsShownAndRestored,
  aCanaryIsPromoted,
  aTokenMayDoWhatItsScopesSay,
  aConflictIsShownAndNothingOverwritten,
  schedulesAndFreezes,
  somebodyElseApproves,
  tokensAreListedAndEnd,
  theAuditLogIsReadCheckedAndKept,
  aBadPluginSaysWhy,
  joinANode,
  aNodeIsDrained,
  everyOtherScreenIsAccessible,
  theKeyboardGoesEverywhere,
  everyCommandExists,
  aLostConnectionIsSaid,
  logOut,
];
