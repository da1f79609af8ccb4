# SPDX-License-Identifier: Apache-2.0
"""What must hold after any fault, whoever caused it and however the job ended: one role on some nodes,
looked at from outside, with git itself as the witness of what is in its files.

    watched = Invariants(fleet, "app", "service/", "/srv/app", ["web-1"])
    watched.remember()                      # before the fault, with everything quiet
    ...
    watched.check(job, old, new)            # the job has ended, the fault is over

Serves any fleet that says where a node's "/" and its agent's state are (fleet.root, fleet.agent_state),
and what git says of a commit (fleet.repository.tree, .sizes)."""
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import re
import subprocess

from fleet import SOURCE, eventually

# docs/formats.md; what is not here has no business in a role's state directory at rest.
ROLE_STATE = {"lock", "marker", "stats", "staging", "kept", "releases", "saved", "basis"}
EMPTY_AT_REST = ("staging", "basis")
# What the agent keeps: files that may be there, and directories that must be empty at rest.
AGENT_STATE = {"credential", "identity.json", "lock", "running", "fences.json", "commands.json",
               "definitions.json", "format", "status.json", "roles", "plugins", "plugin-state", "logs",
               "self_update"}
AGENT_EMPTY_AT_REST = ("tasks", "actions", "run")
QUEUE = "queue"  # emptied when a heartbeat is answered, which takes up to 25 s: see check_queues()
FINAL_TASK = ("succeeded", "rolled_back", "rollback_failed", "failed", "skipped", "cancelled")
FINAL_JOB = ("succeeded", "partly_failed", "failed", "rolled_back", "cancelled")


def documented_reasons():
    """Every code that docs/reasons.md names."""
    return set(re.findall(r"`([a-z][a-z0-9_]*)`", (SOURCE / "docs/reasons.md").read_text()))


def tree_by_git(directory, ignored=()):
    """{path: (mode, blob id)} of the files below; git hashes them, and not in one of its own."""
    found, plain = {}, []
    top = os.fsencode(directory)
    for parent, directories, files in os.walk(top):
        for name in files + [d for d in directories if os.path.islink(os.path.join(parent, d))]:
            full = os.path.join(parent, name)
            path = os.path.relpath(full, top)
            if os.fsdecode(path) in ignored:
                continue
            if os.path.islink(full):
                text = os.readlink(full)
                found[path] = ("120000", hashlib.sha1(b"blob %d\0" % len(text) + text).hexdigest())
            elif os.path.isfile(full):
                found[path] = ("100755" if os.stat(full).st_mode & 0o100 else "100644", None)
                plain.append(path)
    done = subprocess.run(["git", "hash-object", "--no-filters", "--stdin-paths"], cwd=top,
                          input=b"".join(p + b"\n" for p in plain), capture_output=True, check=True,
                          env={"PATH": os.environ["PATH"], "GIT_DIR": "/nonexistent"})
    for path, blob in zip(plain, done.stdout.decode().split(), strict=True):
        found[path] = (found[path][0], blob)
    return found


def content_id(tree, sizes):
    """docs/formats.md, from what git says."""
    records = b"".join(b"%s %s %d\0%s\0" % (mode.encode(), blob.encode(), sizes[blob], path)
                       for path, (mode, blob) in sorted(tree.items()))
    return "rs1:" + hashlib.sha256(records).hexdigest()


class Invariants:
    def __init__(self, fleet, role, prefix, target, nodes, unit=None, ignored=("started.log",)):
        """`unit`: the systemd unit that runs the role; `ignored`: files in the target that the role's
        own service writes."""
        self.fleet, self.role, self.prefix, self.target = fleet, role, prefix, target
        self.nodes, self.unit, self.ignored = list(nodes), unit, set(ignored)
        self.strangers, self.beside, self.processes = {}, {}, {}
        self._commits = {}

    # -- where things are ------------------------------------------------------------------------

    def directory(self, node):
        return pathlib.Path(self.fleet.root(node)) / self.target.lstrip("/")

    def state(self, node):
        return self.directory(node).parent / ".rolesync" / self.role

    def release(self, commit):
        """{path: (mode, blob id)} that the role has at a commit."""
        if commit not in self._commits:
            self._commits[commit] = self.fleet.repository.tree(commit, self.prefix)
        return self._commits[commit]

    def marker(self, node):
        """The header of the release record on the node's disk; {} when there is none."""
        try:
            text = (self.state(node) / "marker").read_bytes()
        except FileNotFoundError:
            return {}
        header = json.loads(text.split(b"\n")[1])
        return {} if header["removed"] else header

    # -- before ------------------------------------------------------------------------------------

    def remember(self, *commits):
        """What is there besides the files of these commits, and which processes run."""
        managed = set().union(*(self.release(c) for c in commits)) if commits else set()
        for node in self.nodes:
            tree = tree_by_git(self.directory(node), self.ignored)
            self.strangers[node] = {p: f for p, f in tree.items() if p not in managed}
            self.beside[node] = set(os.listdir(self.directory(node).parent)) | {
                self.directory(node).name, ".rolesync"}
            self.processes[node] = self.running(node)

    # -- after -------------------------------------------------------------------------------------

    def check(self, job, *commits, edits=(), service=True):
        """Everything; `commits` are the releases that may be installed now. {node: its commit}."""
        self.check_job(job)
        ends = {}
        for node in self.nodes:
            ends[node] = self.check_tree(node, commits, edits)
            self.check_record(node, ends[node])
            self.check_files(node)
            self.check_processes(node)
            if self.unit and ends[node] and service:
                self.check_service(node)
        self.check_server()
        return ends

    def check_job(self, job):
        """It ended, and everything that did not go well has a reason that the documentation knows."""
        assert job["state"] in FINAL_JOB, job
        reasons = documented_reasons()
        for each in [job, *job["tasks"]]:
            good = each["state"] == "succeeded"
            assert good or each["reason"] in reasons, f"unnamed or undocumented cause: {each}"
        for task in job["tasks"]:
            assert task["state"] in FINAL_TASK, task

    def check_tree(self, node, commits, edits=()):
        """Exactly one of these releases (None: nothing installed), everybody else's files beside it as
        they were. `edits`: managed files that were changed by hand; each is in place or saved."""
        marker = self.marker(node)
        commit = marker.get("commit")
        assert commit in commits, f"{node}: marker says {commit}, expected one of {commits}"
        expected = {**self.strangers.get(node, {}), **(self.release(commit) if commit else {})}
        found = tree_by_git(self.directory(node), self.ignored)
        saved = self.saved(node)
        for path, fact in edits:
            path = os.fsencode(path)
            if found.get(path) == fact:
                found[path] = expected.get(path, fact)
            else:
                assert fact[1] in saved, f"{node}: the edit of {path} is lost"
        wrong = {p: (expected.get(p), found.get(p)) for p in expected.keys() | found.keys()
                 if expected.get(p) != found.get(p)}
        assert not wrong, f"{node} is not wholly at {commit}: (expected, found) {wrong}"
        return commit

    def saved(self, node):
        """Blob ids of all local edits that switches have put aside."""
        return {blob for _, blob in tree_by_git(self.state(node) / "saved").values()}

    def check_record(self, node, commit):
        """The server, the marker on the disk, and what git makes of the commit are one."""
        marker = self.marker(node)
        if commit:
            tree = self.release(commit)
            assert marker["content_id"] == content_id(tree, self.fleet.repository.sizes(commit)), \
                f"{node}: {marker}"

        def recorded():
            cell = next((c for c in self.fleet.get("/api/status")["cells"]
                         if c["node_id"] == node and c["role_name"] == self.role), {})
            version = cell.get("version", {})
            return {k: version.get(k) for k in ("commit", "content_id", "role_revision")}
        wanted = {k: marker.get(k) for k in ("commit", "content_id", "role_revision")}
        try:
            eventually(lambda: recorded() == wanted, "", 60)
        except AssertionError:
            raise AssertionError(f"{node}: on the disk {wanted}, recorded {recorded()}") from None
        versions = self.fleet.get(f"/api/nodes/{node}")["role_versions"]
        assert versions.get(self.role) == commit, f"{node}: {versions}"

    def check_files(self, node):
        """No staging, no temporary file, no journal, nothing beside the target that was not there."""
        try:
            eventually(lambda: not self.stray_files(node), "", 30)
        except AssertionError:
            raise AssertionError(f"{node}: left over: {self.stray_files(node)}") from None

    def stray_files(self, node):
        stray = []
        with contextlib.suppress(FileNotFoundError):
            stray += [n for n in os.listdir(self.state(node)) if n not in ROLE_STATE]
            for name in EMPTY_AT_REST:
                with contextlib.suppress(FileNotFoundError):
                    stray += [f"{name}/{n}" for n in os.listdir(self.state(node) / name)]
        agent = pathlib.Path(self.fleet.agent_state(node))
        stray += [f"{agent}/{n}" for n in os.listdir(agent)
                  if n not in AGENT_STATE and n not in (*AGENT_EMPTY_AT_REST, QUEUE)]
        for name in AGENT_EMPTY_AT_REST:
            for parent, _, files in os.walk(agent / name):
                stray += [f"{parent}/{n}" for n in files]
        if node in self.beside:
            stray += sorted(set(os.listdir(self.directory(node).parent)) - self.beside[node])
        return stray

    def check_queues(self):
        """Everything that the nodes had to say has arrived; for the end of a story."""
        for node in self.nodes:
            queue = pathlib.Path(self.fleet.agent_state(node)) / QUEUE
            eventually(lambda: not os.listdir(queue), f"{node} has said everything", 60)

    def check_processes(self, node):
        """Nothing of a command, a transfer or a plugin lives on."""
        try:
            eventually(lambda: not self.stray_processes(node), "", 30)
        except AssertionError:
            raise AssertionError(f"{node}: still runs: {self.stray_processes(node)}") from None

    def stray_processes(self, node):
        stray = self.running(node) - self.processes.get(node, collections.Counter())
        return [p for p in stray.elements() if not self.unit or p[0] != f"{self.unit}.service"]

    def running(self, node):
        """How often which (unit, command line) runs on a machine; nothing where nodes share one."""
        machine = getattr(self.fleet, "machines", {}).get(node)
        return collections.Counter(machine.processes()) if machine else collections.Counter()

    def check_service(self, node):
        """It runs, from the files that are there; as the server says."""
        machine = self.fleet.machines[node]

        def well():
            cell = self.fleet.cell(self.role, node)
            return (machine.show(self.unit, "ActiveState")["ActiveState"] == "active"
                    and cell.get("state") == "active" and cell.get("running") == "current")
        try:
            eventually(well, "", 60)
        except AssertionError:
            raise AssertionError(
                f"{node}: {machine.show(self.unit, 'ActiveState', 'SubState', 'Result')}, "
                f"{self.fleet.cell(self.role, node)}") from None

    def check_server(self):
        """No job still open, nothing offered any more."""
        def open_jobs():
            return [j["job_id"] for j in self.fleet.get("/api/sync-jobs")["jobs"]
                    if j["state"] not in FINAL_JOB]
        eventually(lambda: not open_jobs(), f"no job is open: {open_jobs()}")
        offers = pathlib.Path(self.fleet.state) / "cache/offers"

        def offered():
            with contextlib.suppress(FileNotFoundError):
                return os.listdir(offers)
        # One that a node asked for and then lost its power is kept for it for a minute.
        eventually(lambda: not offered(), f"no offer is left: {offered()}", 120)
