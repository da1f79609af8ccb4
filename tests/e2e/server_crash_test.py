# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the server at the system calls of three things that must not be half done: accepting a
sync, recording a task's result, and bringing an older database up to date. strace kills the server
as one of its threads enters the n-th `pwrite64`, `fdatasync`, `sendto`, ...

After each the server is started again on the same state. What it had answered with 2xx is there;
the request or report is made again, as clients and agents do; and in the end there is exactly one
job, with one task, that was ordered once and ended once.

By default at the first, the middle and the last of each call that changes the disk or answers; with
--every-call at every call of every kind.
"""
import collections
import contextlib
import http.client
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import unittest

from fleet import BIN, Fleet, eventually
from spoken_node import Node

HERE = pathlib.Path(__file__).parent
MIGRATIONS = HERE.parent.parent / "server/store/migrations"
# What reaches the disk or a client. The log goes to descriptor 2, which is left out.
TELLING = {"pwrite64", "write", "writev", "fsync", "fdatasync", "ftruncate", "unlink", "rename",
           "sendto", "sendmsg"}
# As many as time, memory and the other threads bring about.
UNCOUNTABLE = {"futex", "mmap", "munmap", "mprotect", "madvise", "brk", "restart_syscall", "poll",
               "epoll_wait", "epoll_pwait", "clock_nanosleep", "rt_sigtimedwait", "select", "sched_yield",
               "gettid", "getpid", "exit", "exit_group", "pselect6", "rt_sigprocmask", "ppoll"}
EVERY_CALL = "--every-call" in sys.argv
SKIPPED = 77

Point = collections.namedtuple("Point", "call n")
Gone = (OSError, http.client.HTTPException)


def calls_in(trace):
    """(thread, name) of each call that began, in order, without those of the log."""
    for line in trace.read_text(errors="replace").splitlines():
        found = re.match(r"(\d+) +(\w+)\((\d*)", line)
        if found and not (found[2] in ("write", "writev") and found[3] == "2"):
            yield found[1], found[2]


def points_in(trace):
    """strace counts the calls of each thread for itself: the n-th of the one that made most."""
    counts = collections.Counter(calls_in(trace))
    most = collections.Counter()
    for (_, call), count in counts.items():
        if call in TELLING or (EVERY_CALL and call not in UNCOUNTABLE):
            most[call] = max(most[call], count)
    points = []
    for call, count in sorted(most.items()):
        some = range(1, count + 1) if EVERY_CALL else sorted({1, (count + 1) // 2, count})
        points += [Point(call, n) for n in some]
    return points


class ServerCrash(unittest.TestCase):
    def setUp(self):
        self.fleet = Fleet(agents=0)
        self.addCleanup(self.fleet.close)
        self.fleet.repository.init()
        self.fleet.repository.write("app/file", "content\n")
        self.fleet.repository.commit("first")
        self.kept = self.fleet.directory / "kept"
        self.kills = 0

    # -- the server --------------------------------------------------------------------------

    def prepare(self):
        """A role, its commit and a node that has it."""
        self.fleet.start_server()
        self.node = Node(self.fleet)
        self.fleet.add_role("app", ["app"], "/srv/app")
        self.fleet.put("/api/nodes/n1/roles", {"roles": ["app"]})
        self.fleet.put("/api/code-source", {
            "transport": "file", "repository": str(self.fleet.repository.path), "poll_seconds": 0})
        self.fleet.pull()
        self.node.beat()

    def keep(self):
        self.fleet.stop_server()
        shutil.copytree(self.fleet.state, self.kept, symlinks=True)

    def back(self):
        """The state as it was kept, and a server on it."""
        if self.fleet.server.poll() is None:
            self.fleet.stop_server(signal.SIGKILL)
        shutil.rmtree(self.fleet.state)
        shutil.copytree(self.kept, self.fleet.state, symlinks=True)
        self.start()

    def start(self):
        """Up, and the newest commit is known again."""
        self.fleet.start_server()
        def known():
            roles = self.fleet.get("/api/status")["roles"]
            return any(r["role_name"] == "app" and r["latest"] for r in roles)
        eventually(known, "the role's content is known")

    def attach(self, *options):
        trace = self.fleet.directory / "trace"
        strace = subprocess.Popen(
            ["strace", "-f", "-q", "-p", str(self.fleet.server.pid), "-o", str(trace), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        def tracing():
            status = pathlib.Path(f"/proc/{self.fleet.server.pid}/task")
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                return all("TracerPid:\t0\n" not in (t / "status").read_text()
                           for t in status.iterdir())
        if strace.poll() is not None:
            self.skipTest("strace may not attach here: " + strace.stderr.read())
        eventually(tracing, "strace has every thread")
        return strace, trace

    def detach(self, strace):
        if strace.poll() is None:
            strace.terminate()
        strace.wait(30)
        strace.stderr.close()

    def enumerate(self, act, check):
        """`act()` -> whether it was acknowledged; `check(acknowledged)` after each restart."""
        self.back()
        strace, trace = self.attach()
        self.assertTrue(act())
        self.detach(strace)
        points = points_in(trace)
        self.assertGreater(len(points), 2, "there is something to kill at")
        self.back()
        self.assertTrue(act())
        self.fleet.stop_server(signal.SIGKILL)  # as soon as the answer is there
        self.start()
        check(True)
        came = []
        for point in points:
            self.back()
            strace, _ = self.attach("-e", f"trace={point.call}", "-e",
                                    f"inject={point.call}:signal=KILL:when={point.n}")
            acknowledged = False
            with contextlib.suppress(*Gone):
                acknowledged = act()
            if not acknowledged:
                self.fleet.server.wait(30)
            else:  # what comes after the answer may be killed still
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.fleet.server.wait(0.2)
            self.detach(strace)
            killed = self.fleet.server.poll() is not None
            if not killed:
                self.fleet.stop_server(signal.SIGKILL)
            self.start()
            try:
                check(acknowledged)
            except Exception as error:
                error.add_note(f"killed at {point}, acknowledged: {acknowledged}\n" +
                               self.fleet.log("server"))
                raise
            came.append((point, killed, acknowledged))
        self.kills = sum(killed for _, killed, _ in came)
        print(f"{self.id()}: {self.kills} kills at {len(points)} points, "
              f"{sum(a for *_, a in came)} after the answer", flush=True)
        self.assertGreaterEqual(self.kills, len(points) // 2)

    # -- accepting a sync --------------------------------------------------------------------

    def start_sync(self):
        status, job = self.fleet.request(
            "POST", "/api/code-sync/roles/app/sync", {"approve": True},
            headers={"Idempotency-Key": "once"})
        self.assertEqual(status, 202, job)
        self.job_id = job["job_id"]
        return True

    def check_one_job(self, acknowledged):
        before = self.job_id if acknowledged else None
        if acknowledged:
            self.fleet.get(f"/api/sync-jobs/{before}")  # it is there
        self.start_sync()  # as a client does that heard nothing
        if acknowledged:
            self.assertEqual(self.job_id, before)
        jobs = self.fleet.get("/api/sync-jobs")["jobs"]
        self.assertEqual([job["job_id"] for job in jobs], [self.job_id])
        stage = self.node.command("stage")
        self.assertEqual(len(self.fleet.job(self.job_id)["tasks"]), 1)
        self.assertEqual(stage["fence"], 1)
        self.assertEqual([c["kind"] for c in self.node.beat()], ["stage"])

    def test_accepting_a_sync(self):
        self.prepare()
        self.keep()
        self.enumerate(self.start_sync, self.check_one_job)

    # -- recording a result ------------------------------------------------------------------

    def report(self):
        status, answer = self.node.event(
            self.activate, 3, "succeeded", step="report", release={
                "version": self.task["commit"], "content_id": self.task["content_id"],
                "role_revision": self.task["role_revision"],
                "verified_at": "2026-11-23T13:00:00.000Z"})
        self.assertEqual(status, 200, answer)
        return True

    def check_one_end(self, acknowledged):
        if acknowledged:
            task, = self.fleet.job(self.job_id)["tasks"]
            self.assertEqual(task["state"], "succeeded", task)
        self.report()  # an agent tells it until it has heard
        self.report()
        job = self.fleet.wait_for_job(self.job_id)
        self.assertEqual(job["state"], "succeeded", job)
        task, = job["tasks"]
        self.assertEqual([step["state"] for step in task["steps"]],
                         ["staged", "activating", "succeeded"], task)
        self.assertEqual(self.node.beat(), [], "nothing is ordered again")
        self.assertEqual(len(self.fleet.get("/api/sync-jobs")["jobs"]), 1)

    def test_recording_a_result(self):
        self.prepare()
        self.start_sync()
        stage = self.node.command("stage")
        self.task = stage["payload"]
        self.node.acknowledged = [stage["id"]]
        self.node.event(stage, 1, "staged", step="verify")
        self.activate = self.node.command("activate")
        self.node.acknowledged = [self.activate["id"]]
        self.node.beat()
        self.node.event(self.activate, 2, "activating", step="activate")
        self.node.acknowledged = []
        self.keep()
        self.enumerate(self.report, self.check_one_end)

    # -- applying migrations -----------------------------------------------------------------

    def older_database(self, files):
        """As a server left it that knew the first of the migrations only."""
        self.fleet.state.joinpath("rolesync.db").unlink(missing_ok=True)
        database = sqlite3.connect(self.fleet.state / "rolesync.db")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY, "
                         "name TEXT NOT NULL, applied_at BIGINT NOT NULL)")
        for number, file in enumerate(files, 1):
            database.executescript(file.read_text())
            database.execute("INSERT INTO schema_version VALUES (?, ?, 1)", (number, file.stem))
        database.execute("INSERT INTO code_sources (name, transport, repository, branch, version, "
                         "updated_at) VALUES ('old', 'file', '/srv/r', 'main', 1, 1)")
        database.commit()
        database.close()

    def schema(self):
        """(newest version, every table's columns, the old row) as the file has it."""
        database = sqlite3.connect(f"file:{self.fleet.state}/rolesync.db?mode=ro", uri=True)
        try:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            version, = database.execute("SELECT MAX(version) FROM schema_version").fetchone()
            tables = database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL "
                                      "AND name <> 'sqlite_sequence' ORDER BY name").fetchall()
            row = database.execute("SELECT repository FROM code_sources WHERE name = 'old'")
            return version, tables, row.fetchone()
        finally:
            database.close()

    def test_applying_migrations(self):
        files = sorted(MIGRATIONS.glob("[0-9]*.sql"))
        self.older_database(files[:4])
        whole = {}  # what each version looks like when it was never interrupted
        for count in range(4, len(files) + 1):
            self.older_database(files[:count])
            whole[count] = self.schema()
        self.older_database(files[:4])
        self.start_bare()
        self.fleet.stop_server()
        self.assertEqual(self.schema(), whole[len(files)])
        self.older_database(files[:4])
        shutil.copytree(self.fleet.state, self.kept, symlinks=True)

        trace = self.fleet.directory / "trace"
        self.start_bare("-o", trace, "-e", "trace=" + ",".join(sorted(TELLING)))
        self.stop_traced()
        points = points_in(trace)
        self.assertGreater(len(points), 2)
        kills = 0
        seen = collections.Counter()
        for point in points:
            shutil.rmtree(self.fleet.state)
            shutil.copytree(self.kept, self.fleet.state, symlinks=True)
            with contextlib.suppress(AssertionError):  # it ends before it is ready
                self.start_bare("-o", "/dev/null", "-e", f"trace={point.call}", "-e",
                                f"inject={point.call}:signal=KILL:when={point.n}")
            kills += self.fleet.server.poll() is not None
            if self.fleet.server.poll() is None:
                self.stop_traced()
            version, *rest = self.schema()
            self.assertEqual((version, *rest), whole[version], f"killed at {point}")
            seen[version] += 1
            self.start_bare()
            self.fleet.stop_server()
            self.assertEqual(self.schema(), whole[len(files)], f"killed at {point}")
        print(f"{self.id()}: {kills} kills at {len(points)} points left {dict(seen)}", flush=True)
        self.assertGreaterEqual(kills, len(points) // 2)

    def start_bare(self, *strace):
        """A server without plugins, whose start is quick also when it is traced: what it does to
        the database."""
        database = self.fleet.state / "rolesync.db"
        prefix = ["strace", "-f", "-q", "-P", database, "-P", f"{database}-wal", *strace]
        self.fleet.server = self.fleet._spawn(
            "server", [BIN / "rolesync-server", "run", "--config", self.fleet.state / "server.toml"],
            prefix if strace else ())
        eventually(self.fleet._ready, "the server answers /readyz")

    def stop_traced(self):
        """The server below strace is told to end, and both are waited for."""
        children = pathlib.Path(f"/proc/{self.fleet.server.pid}/task/{self.fleet.server.pid}/children")
        for child in children.read_text().split():
            subprocess.run(["kill", "-TERM", child], check=True)
        self.fleet.server.wait(60)


if __name__ == "__main__":
    result = unittest.main(argv=[a for a in sys.argv if a != "--every-call"], exit=False).result
    sys.exit(SKIPPED if result.skipped else not result.wasSuccessful())
