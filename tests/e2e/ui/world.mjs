// SPDX-License-Identifier: Apache-2.0
// The story's hands outside of the browser: the API as another operator, git as a developer, and
// files on the nodes' disks.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const gitEnvironment = {
  PATH: process.env.PATH, HOME: "/nonexistent", LC_ALL: "C.UTF-8",
  GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "Ada Lovelace", GIT_AUTHOR_EMAIL: "ada@example.org",
  GIT_COMMITTER_NAME: "Ada Lovelace", GIT_COMMITTER_EMAIL: "ada@example.org",
};

export function makeWorld(world) {
  const git = (...words) => execFileSync("git", ["-C", world.repository, ...words], { env: gitEnvironment, encoding: "utf8" }).trim();

  async function api(method, path, body, headers = {}) {
    const answer = await fetch(world.url + path, {
      method,
      headers: { Authorization: `Bearer ${world.token}`, ...(body ? { "Content-Type": "application/json" } : {}), ...(method === "PUT" ? { "If-Match": "*" } : {}), ...headers },
      body: body ? JSON.stringify(body) : undefined,
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  function write(top, path, text) {
    mkdirSync(dirname(join(top, path)), { recursive: true });
    writeFileSync(join(top, path), text);
  }
  let server = null;
  return {
    api,
    startServer([program, ...words]) {
      server = spawn(program, words, { stdio: "ignore" });
    },
    async close() {
      if (!server) return;
      const ended = new Promise((done) => server.once("exit", done));
      server.kill("SIGTERM");
      await ended;
    },
    commit(files, message) {
      for (const [path, text] of Object.entries(files)) write(world.repository, path, text);
      git("add", "-A");
      git("commit", "-q", "--allow-empty", "-m", message);
      return git("rev-parse", "HEAD");
    },
    onNode: (node, path) => join(world.roots[node], path),
    read: (node, path) => readFileSync(join(world.roots[node], path), "utf8"),
    edit: (node, path, text) => write(world.roots[node], path, text),
  };
}
