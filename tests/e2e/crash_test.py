# SPDX-License-Identifier: Apache-2.0
"""kill -9 of a whole agent at the system calls of a real sync: strace kills it as it enters the n-th
`fsync`, `renameat2`, ... of the thread that does the task, or of the one that takes the orders.

After each, before any server is heard, `rolesync-agent recover` must leave exactly one complete
release, as git itself hashes it, and nobody else's file touched. Then the agent starts again: the
job ends, and the node ends in the new release, which the server knows from its report.

By default at every call that changes something on the disk; with --every-call at all others too.
"""
import collections
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

from fleet import BIN, GIT_ENVIRONMENT, PLUGINS, Fleet, eventually

NODE = "node-1"
# What a file made by open() holds is written after it, so the state in between is one of these's.
CHANGES = {"write", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat",
           "rmdir", "link", "linkat", "symlinkat", "fchmod", "fchown", "fchownat", "ioctl",
           "copy_file_range", "ftruncate"}
# These come as often as the memory, the network and the other threads bring it about.
UNCOUNTABLE = {"futex", "mmap", "munmap", "mprotect", "madvise", "brk", "restart_syscall", "poll",
               "recvfrom"}
# The threads of an agent, as it names them: the one that does a task, and the one that is ordered
# to. The latter's other calls are as many as the network wants.
THREADS = {"tasks": True, "heartbeat": False}
STRANGERS = {".env": b"SECRET=1\n", "gone/log": b"a log beside files that go\n",
             "fresh/notes": b"notes beside files that come\n"}
SKIPPED = 77  # for ctest
EVERY_CALL = "--every-call" in sys.argv

Point = collections.namedtuple("Point", "thread call n")


def memory():
    """A file system in memory if there is one that plugins can be loaded from: what a kill leaves
    does not depend on the disk, but how long hundreds of syncs take does."""
    place = "/dev/shm"
    if not os.access(place, os.W_OK) or os.statvfs(place).f_flag & os.ST_NOEXEC:
        return None
    return place


def write_version(repository, version):
    """Commits one of two shapes, each with a file of this version alone, so that there is always
    something to fetch: files come, go, move, change their bytes, mode or type."""
    app = repository.path / "app"
    shutil.rmtree(app, ignore_errors=True)
    repository.write("app/version", f"{version}\n")
    repository.write("app/same", "the same\n")
    if version % 2 == 0:
        repository.write("app/index", "an index\n")
        repository.write("app/run", "#!/bin/sh\n", 0o644)
        repository.write("app/gone/moves", "moves\n")
        repository.write("app/gone/leaves", "leaves\n")
        repository.write("app/turns/into", "in a directory\n")
        os.symlink("same", app / "link")
    else:
        repository.write("app/index", "another index\n")
        repository.write("app/run", "#!/bin/sh\n", 0o755)
        repository.write("app/fresh/deep/moved", "moves\n")
        repository.write("app/turns", "a file\n")
        os.symlink("index", app / "link")
    return repository.commit(f"version {version}")


class Crash(unittest.TestCase):
    def setUp(self):
        self.fleet = Fleet(agents=1, directory=memory())
        self.addCleanup(self.fleet.close)
        self.repository = self.fleet.repository.init()
        # The index that git hashes the node's files into, without the files that are not ours.
        (self.repository.path / ".git/info/exclude").write_text(
            "".join(f"/{path}\n" for path in STRANGERS))
        self.version = 0
        self.old = self.new = write_version(self.repository, 0)
        self.fleet.start_server()
        # One worker, so that a task's calls are all counted in one thread.
        self.fleet.configure_agent(NODE, settings=["parallel_tasks = 1", "keep_releases = 2"],
                                   plugins=[d for d in PLUGINS if d.name != "role"])
        self.fleet.join(NODE)
        self.fleet.start_agent(NODE)
        self.fleet.wait_until_online()
        self.fleet.set_source("file")
        self.fleet.add_role("app", ["app"], "/srv/app")
        self.fleet.assign(NODE, "app")
        self.fleet.pull()
        self.fleet.sync("app")
        self.target = self.fleet.on_disk(NODE, "/srv/app")
        for path, content in STRANGERS.items():
            (self.target / path).parent.mkdir(exist_ok=True)
            (self.target / path).write_bytes(content)
        for _ in range(4):  # until as many releases are kept as ever will be
            self.restart_agent()
            self.next_version()
            self.fleet.sync("app")

    # -- one sync ----------------------------------------------------------------------------

    def agent(self):
        return self.fleet.agents[NODE]

    def restart_agent(self):
        if self.agent().poll() is None:
            self.fleet.stop_agent(NODE, signal.SIGKILL)
        self.fleet.start_agent(NODE)

    def next_version(self):
        self.version += 1
        self.old, self.new = self.new, write_version(self.repository, self.version)
        self.fleet.pull()

    def idle_thread(self, name):
        tasks = pathlib.Path(f"/proc/{self.agent().pid}/task")
        def find():
            for task in tasks.iterdir():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it may just end
                    if (task / "comm").read_text().strip() == name:
                        in_call = (task / "syscall").read_text().split()[0]
                        return in_call != "running" and self.nothing_left() and task.name
            return None
        return eventually(find, f"the agent has an idle thread {name}")

    def attach(self, thread, output, *options):
        """strace on one thread, from before the sync begins; returns once it has it."""
        strace = subprocess.Popen(
            ["strace", "-p", self.idle_thread(thread), "-o", str(output), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        line = strace.stderr.readline()
        if "not permitted" in line and os.geteuid():
            self.detach(strace)
            self.skipTest("strace needs root here, or kernel.yama.ptrace_scope = 0: " + line)
        self.assertIn("attached", line)
        return strace

    def detach(self, strace):
        if strace.poll() is None:
            strace.terminate()
        strace.wait(30)
        strace.stderr.close()

    def calls(self):
        """(thread, name, whether it changed something) of each call in a sync, in order."""
        self.restart_agent()
        outputs = {thread: self.fleet.directory / f"trace.{thread}" for thread in THREADS}
        traces = [self.attach(thread, output) for thread, output in outputs.items()]
        self.next_version()
        self.fleet.sync("app")
        eventually(self.nothing_left, "the task's record is gone")
        for trace in traces:
            self.detach(trace)
        for thread, output in outputs.items():
            for line in output.read_text(errors="replace").splitlines():
                name, parenthesis, rest = line.partition("(")
                if parenthesis and name.isidentifier():
                    to_the_log = name == "write" and rest.startswith("2,")
                    failed = " = -1 " in line
                    yield thread, name, name in CHANGES and not failed and not to_the_log

    def points(self):
        seen = collections.Counter()
        points = collections.deque()
        for thread, call, changes in self.calls():
            seen[thread, call] += 1
            other = EVERY_CALL and THREADS[thread] and call not in UNCOUNTABLE
            if changes or other:
                points.append(Point(thread, call, seen[thread, call]))
        return points

    def nothing_left(self):
        return not list((self.fleet.node_directory(NODE) / "state/tasks").iterdir())

    # -- what must hold ----------------------------------------------------------------------

    def release_on_disk(self):
        """The tree that git makes of the managed files on the node."""
        environment = {**GIT_ENVIRONMENT, "GIT_INDEX_FILE": str(self.fleet.directory / "index")}
        where = [f"--git-dir={self.repository.path}/.git", f"--work-tree={self.target}"]
        (self.fleet.directory / "index").unlink(missing_ok=True)
        for command in (["add", "-A"], ["write-tree"]):
            done = subprocess.run(["git", *where, *command], env=environment, capture_output=True,
                                  text=True, check=True, cwd=self.target)
        return done.stdout.strip()

    def check_one_release(self):
        """Exactly the old or the new release, which is returned; what the marker says; and the
        files of nobody as they were."""
        trees = {self.repository.git("rev-parse", f"{c}:app"): c for c in (self.old, self.new)}
        found = self.release_on_disk()
        self.assertIn(found, trees, "neither the old nor the new release: " +
                      self.repository.git("diff", "--name-status", found, f"{self.new}:app"))
        state = self.target.parent / ".rolesync/app"
        self.assertIn(f'"commit":"{trees[found]}"', (state / "marker").read_text(errors="replace"))
        self.assertFalse((state / "journal").exists(), "still in the middle of a switch")
        for path, content in STRANGERS.items():
            self.assertEqual((self.target / path).read_bytes(), content, path)
        return trees[found]

    def check_recovered(self):
        self.fleet._run(BIN / "rolesync-agent", "recover", "--config",
                        self.fleet.node_directory(NODE) / "agent.toml")
        return self.check_one_release()

    def check_goes_on(self, job_id, recovered):
        """The job ends, with its cause named when not well; the node ends in the new release."""
        job = self.fleet.wait_for_job(job_id)
        task, = job["tasks"]
        if task["state"] != "succeeded":
            self.assertEqual(task["reason"], "interrupted", task)
            self.assertEqual(recovered, self.old)
            self.fleet.sync("app")
        self.assertEqual(self.check_one_release(), self.new)
        directories = {os.path.dirname(p) for p in self.repository.tree(self.new, "app/")}
        directories |= {os.path.dirname(os.fsencode(p)) for p in STRANGERS}
        for parent, _, _ in os.walk(os.fsencode(self.target)):
            here = os.path.relpath(parent, os.fsencode(self.target))
            self.assertTrue(here == b"." or any((d + b"/").startswith(here + b"/")
                                                for d in directories), f"left behind: {here}")
        cell, = self.fleet.get("/api/status")["cells"]
        self.assertEqual((cell["version"]["state"], cell["version"]["commit"]),
                         ("current", self.new), cell)
        return task["state"]

    # -- the enumeration ---------------------------------------------------------------------

    def kill_at(self, point, fresh):
        """Whether the kill came, how the job ended, whether recovery went forward."""
        if fresh or self.agent().poll() is not None:  # killed when the job before had ended already
            self.restart_agent()
        self.next_version()
        strace = self.attach(point.thread, self.fleet.directory / "kill", "-e",
                             f"trace={point.call}", "-e",
                             f"inject={point.call}:signal=KILL:when={point.n}")
        job_id = self.fleet.start_sync("app")
        eventually(lambda: self.agent().poll() is not None
                   or self.fleet.job(job_id)["state"] in Fleet.FINAL and self.nothing_left(),
                   "the agent is killed, or the job ends")
        self.detach(strace)
        killed = self.agent().poll() == -signal.SIGKILL
        recovered = None
        if killed:
            recovered = self.check_recovered()
            self.fleet.start_agent(NODE)
        return killed, self.check_goes_on(job_id, recovered), recovered == self.new

    def test_killed_at_every_call(self):
        # Going from one shape to the other and going back have points of their own; turn by turn.
        directions = [self.points(), self.points()]
        begin = time.monotonic()
        killed = forward = turn = 0
        ends, tries = collections.Counter(), collections.Counter()
        never = []
        while any(directions):
            points = directions[turn % 2]
            turn += 1
            if not points:
                self.next_version()
                self.fleet.sync("app")
                continue
            point = points.popleft()
            try:
                # Only its first task makes an agent collect garbage, so what does not come in one
                # that has done a task is waited for in a new one.
                came, end, new = self.kill_at(point, fresh=tries[point] > 0)
            except Exception as error:  # what comes after a violation says nothing more
                error.add_note(f"after {killed} kills, at {point} on the way to {self.new}\n" +
                               self.fleet.log(NODE))
                raise
            killed += came
            forward += new
            ends[end] += came
            tries[point] += 1
            if not came:
                (points if tries[point] < 3 else never).append(point)
        print(f"{killed} kills, {forward} recovered to the new release; the jobs then {dict(ends)};"
              f" {time.monotonic() - begin:.0f} s; never came: {never}", flush=True)
        self.assertGreaterEqual(killed, 100)
        self.assertEqual(never, [])


if __name__ == "__main__":
    result = unittest.main(argv=[a for a in sys.argv if a != "--every-call"], exit=False).result
    sys.exit(SKIPPED if result.skipped else not result.wasSuccessful())
