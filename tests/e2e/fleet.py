# SPDX-License-Identifier: Apache-2.0
"""A real server and real agents in a directory of their own, for stories that cross processes.

Everything is checked from outside: the API over HTTP, the nodes' trees by hashing files here and
asking git itself. One Fleet per test; close() ends only the processes it started, by pid.
"""
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ROLESYNC_BINARY_DIR", SOURCE / "build"))
BIN = BUILD / "bin"
PLUGINS = [BUILD / "plugins" / kind for kind in ("role", "detector", "deployer", "restart_strategy")]
GIT_ENVIRONMENT = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
}


def eventually(condition, what, seconds=30):
    """Waits until condition() is true and returns its value; the limit only ends a failed test."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"did not happen within {seconds} s: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def blob_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def tree_on_disk(directory):
    """{path: (mode, blob id)} of a directory, as git would record it."""
    tree = {}
    top = os.fsencode(directory)
    for parent, directories, files in os.walk(top):
        links = [d for d in directories if os.path.islink(os.path.join(parent, d))]
        for name in files + links:
            full = os.path.join(parent, name)
            path = os.path.relpath(full, top)
            if os.path.islink(full):
                tree[path] = ("120000", blob_id(os.readlink(full)))
            else:
                mode = "100755" if os.stat(full).st_mode & 0o100 else "100644"
                with open(full, "rb") as file:
                    tree[path] = (mode, blob_id(file.read()))
    return tree


class Repository:
    """A git repository driven by the real git, without the user's configuration."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def git(self, *arguments, text=True):
        done = subprocess.run(["git", "-C", str(self.path), *arguments], env=GIT_ENVIRONMENT,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.returncode:
            raise AssertionError(f"git {arguments}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode().strip() if text else done.stdout

    def init(self):
        self.path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        return self

    def write(self, path, content, mode=None):
        full = self.path / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content if isinstance(content, bytes) else content.encode())
        if mode is not None:
            full.chmod(mode)

    def commit(self, message):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def tree(self, commit, prefix=""):
        """{path below prefix: (mode, blob id)} of a commit, from git ls-tree."""
        tree = {}
        start = os.fsencode(prefix)
        for record in self.git("ls-tree", "-r", "-z", commit, text=False).split(b"\0"):
            if not record:
                continue
            facts, path = record.split(b"\t", 1)
            mode, _, blob = facts.decode().split(" ")
            if path.startswith(start):
                tree[path[len(start):]] = (mode, blob)
        return tree


class Problem(AssertionError):
    """An answer that was not 2xx."""

    def __init__(self, method, path, status, body):
        super().__init__(f"{method} {path}: {status} {body}")
        self.status, self.body = status, body


class Fleet:
    def __init__(self, agents=3, tls=False, directory=None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="rolesync-e2e-", dir=directory))
        self.repository = Repository(self.directory / "repository")
        self.tls = tls
        self.port = free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.nodes = [f"node-{i + 1}" for i in range(agents)]
        self.server = None
        self.agents = {}
        self._init_server()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.close(keep=kind is not None)

    # -- processes ---------------------------------------------------------------------------

    def _run(self, *argv):
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"{argv}: exit {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def _spawn(self, name, argv, prefix=()):
        with open(self.directory / f"{name}.log", "ab") as log:
            return subprocess.Popen([str(a) for a in (*prefix, *argv)], stdin=subprocess.DEVNULL,
                                    stdout=log, stderr=log, start_new_session=True)

    @property
    def state(self):
        return self.directory / "server"

    def _init_server(self):
        self.drop_in = self.directory / "plugins"
        self.drop_in.mkdir()
        self._run(BIN / "rolesync-server", "init", "--config", self.state / "server.toml",
                  "--state-dir", self.state, "--listen", f"127.0.0.1:{self.port}",
                  *(["--tls"] if self.tls else []))
        # Thousands of simulated nodes join with one token.
        with open(self.state / "server.toml", "a", encoding="utf-8") as config:
            config.write("\n[limits]\ntoken_requests_per_minute = 0\nnode_requests_per_minute = 0\n")
        self.token = (self.state / "secrets" / "admin.token").read_text().strip()

    def server_argv(self):
        argv = [BIN / "rolesync-server", "run", "--config", self.state / "server.toml"]
        for directory in PLUGINS:
            argv += ["--plugin-dir", directory]
        return argv + ["--drop-in-dir", self.drop_in, "--allow-source", self.repository.path]

    def start_server(self, prefix=()):
        self.server = self._spawn("server", self.server_argv(), prefix)
        eventually(self._ready, "the server answers /readyz")

    def _ready(self):
        if self.server.poll() is not None:
            raise AssertionError("the server ended: " + self.log("server"))
        try:
            return self.request("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def stop_server(self, how=signal.SIGTERM):
        self.server.send_signal(how)
        self.server.wait(30)

    def node_directory(self, node):
        return self.directory / node

    def root(self, node):
        """What the node takes for its "/": three nodes share this machine (agent: path_prefix)."""
        return self.node_directory(node) / "root"

    def on_disk(self, node, path):
        return self.root(node) / str(path).lstrip("/")

    def agent_argv(self, node):
        return [BIN / "rolesync-agent", "run", "--config", self.node_directory(node) / "agent.toml"]

    def configure_agent(self, node, repository=None, settings=(), plugins=PLUGINS,
                        drop_in_dirs=None, sections=()):
        """`settings` and `sections`: more lines of TOML, before and in sections."""
        home = self.node_directory(node)
        (self.root(node) / "srv").mkdir(parents=True)
        lines = [
            *settings,
            f'node_id = "{node}"', f'state_dir = "{home}/state"',
            "plugin_dirs = [" + ", ".join(f'"{d}"' for d in plugins) + "]",
            "drop_in_dirs = [" + ", ".join(f'"{d}"' for d in drop_in_dirs or [home / "plugins"]) + "]",
            f'path_prefix = "{self.root(node)}"',
            'allowed_roots = ["/srv"]', 'allowed_units = ["*"]',
            "[server]", f'url = "{self.url}"',
            "[commands]", "allowed = true", "as_root = true",
            *sections,
        ]
        if repository:
            lines += ["[source]", f'repositories = ["{repository}"]']
        (home / "plugins").mkdir()
        (home / "agent.toml").write_text("\n".join(lines) + "\n")

    def join(self, node):
        token = self.post("/api/join-tokens", {"node_id": node})["token"]
        self._run(BIN / "rolesync-agent", "join", self.url, token, "--config",
                  self.node_directory(node) / "agent.toml")

    def start_agent(self, node, prefix=()):
        self.agents[node] = self._spawn(node, self.agent_argv(node), prefix)

    def stop_agent(self, node, how=signal.SIGTERM):
        self.agents[node].send_signal(how)
        self.agents[node].wait(30)

    def start(self):
        """Server up, all nodes joined and online; node-1 holds the repository."""
        self.start_server()
        for node in self.nodes:
            self.configure_agent(node, self.repository.path if node == self.nodes[0] else None)
            self.join(node)
            self.start_agent(node)
        self.wait_until_online()
        return self

    def wait_until_online(self):
        eventually(lambda: all(n["state"] == "online" for n in self.get("/api/nodes")["nodes"]),
                   "all nodes are online")

    def log(self, name):
        return (self.directory / f"{name}.log").read_text(errors="replace")[-4000:]

    def close(self, keep=False):
        for process in [*self.agents.values(), self.server]:
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in [*self.agents.values(), self.server]:
            if process:
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if keep:
            for log in sorted(self.directory.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}")
        shutil.rmtree(self.directory, ignore_errors=True)

    # -- the API -----------------------------------------------------------------------------

    def _connection(self):
        if not self.tls:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        context = ssl.create_default_context(cafile=self.state / "secrets" / "ca.crt")
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)

    def request(self, method, path, body=None, token=None, headers=None):
        """(status, parsed body) of one request; a str or bytes body is sent as it is."""
        connection = self._connection()
        try:
            sent = {"Authorization": f"Bearer {token or self.token}", **(headers or {})}
            if body is not None and not isinstance(body, (str, bytes)):
                body = json.dumps(body)
            if body is not None:
                sent.setdefault("Content-Type", "application/json")
            if method in ("PUT", "DELETE"):
                sent.setdefault("If-Match", "*")
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text[:1] in (b"{", b"[") else text
        finally:
            connection.close()

    def _expect(self, method, path, body=None):
        status, answer = self.request(method, path, body)
        if not 200 <= status < 300:
            raise Problem(method, path, status, answer)
        return answer

    def get(self, path):
        return self._expect("GET", path)

    def post(self, path, body=None):
        return self._expect("POST", path, {} if body is None else body)

    def put(self, path, body):
        return self._expect("PUT", path, body)

    # -- the main job ------------------------------------------------------------------------

    def add_role(self, name, sources, target, **fields):
        fields = {"restart_strategy": "none", **fields}
        return self.put(f"/api/roles/{name}", {"role_name": name, "source_paths": sources,
                                               "target_path": str(target), **fields})

    def assign(self, node, *roles):
        current = self.get(f"/api/nodes/{node}/roles")["assigned"]
        self.put(f"/api/nodes/{node}/roles", {"roles": sorted({*current, *roles})})

    def set_source(self, transport="agent"):
        fields = {"transport": transport, "repository": str(self.repository.path), "branch": "main"}
        if transport == "agent":
            fields["node_id"] = self.nodes[0]
        self.put("/api/code-source", fields)

    def pull(self):
        return self.post("/api/code-sync/pull")

    def job(self, job_id):
        return self.get(f"/api/sync-jobs/{job_id}")

    def start_sync(self, role, **options):
        return self.post(f"/api/code-sync/roles/{role}/sync", {"approve": True, **options})["job_id"]

    FINAL = ("succeeded", "partly_failed", "failed", "rolled_back", "cancelled")

    def wait_for_job(self, job_id, seconds=60):
        def ended():
            job = self.job(job_id)
            return job if job["state"] in self.FINAL else None
        return eventually(ended, f"job {job_id} ends", seconds)

    def sync_quietly(self, role):
        """Without asking again and again: follows the events until the job has ended."""
        connection = self._connection()
        connection.request("GET", "/api/events?types=job_changed",
                           headers={"Authorization": f"Bearer {self.token}"})
        stream = connection.getresponse()
        job_id = self.start_sync(role)
        while True:
            field, _, text = stream.readline().decode().partition(": ")
            event = json.loads(text) if field == "data" else {}
            if event.get("job_id") == job_id and event["state"] in self.FINAL:
                connection.close()
                assert event["state"] == "succeeded", event
                return

    def sync(self, role, **options):
        job = self.wait_for_job(self.start_sync(role, **options))
        if job["state"] != "succeeded":
            raise AssertionError(f"sync of {role}: {json.dumps(job, indent=1)}")
        return job
