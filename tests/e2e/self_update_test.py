# SPDX-License-Identifier: Apache-2.0
"""The agent updates itself as a role, without systemd: a good release, and releases that are broken
in every way that happens. What comes back each time is the old agent, on the old files, with the
task rolled back for a named cause."""
import contextlib
import os
import pathlib
import signal
import unittest

from agent_release import NEXT_VERSION, ROLE, TARGET, Releases, passes_its_trial, role, script
from fleet import Fleet, eventually, tree_on_disk

NODE = "node-1"
ATTEMPT = "state/self_update/attempt.json"


class SelfUpdate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(agents=1)
        cls.failed = False
        try:
            cls.prepare()
        except BaseException:
            cls.close(keep=True)
            raise

    @classmethod
    def prepare(cls):
        fleet = cls.fleet
        cls.releases = Releases(fleet.directory)
        fleet.repository.init()
        cls.releases.write(fleet.repository, cls.releases.agent)
        cls.commit = fleet.repository.commit("the agent")
        fleet.start_server()
        fleet.configure_agent(NODE, fleet.repository.path,
                              sections=["[self_update]", "confirm_seconds = 60"])
        fleet.join(NODE)
        fleet.start_agent(NODE)
        fleet.wait_until_online()
        fleet.set_source()
        fleet.put(f"/api/roles/{ROLE}", role())
        fleet.pull()
        fleet.assign(NODE, ROLE)
        # It runs from elsewhere: its files come, and nothing restarts.
        fleet.sync(ROLE)
        fleet.stop_agent(NODE)
        fleet.agent_argv = lambda node: [
            fleet.on_disk(node, TARGET) / "bin/rolesync-agent", "run", "--config",
            fleet.node_directory(node) / "agent.toml"]
        fleet.start_agent(NODE)
        fleet.wait_until_online()

    @classmethod
    def tearDownClass(cls):
        cls.close(keep=cls.failed)

    @classmethod
    def close(cls, keep):
        for pid in cls.our_processes():  # agents that a guardian started again
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        cls.fleet.close(keep=keep)

    def run(self, result=None):
        before = len(result.errors) + len(result.failures)
        super().run(result)
        type(self).failed |= len(result.errors) + len(result.failures) > before

    # -- what the stories look at ------------------------------------------------------------------

    @classmethod
    def our_processes(cls, word=""):
        """Those with this fleet's node in their command line, and `word`."""
        home = str(cls.fleet.node_directory(NODE))
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                arguments = path.read_bytes().decode(errors="replace").split("\0")
                if any(home in a for a in arguments) and (not word or word in arguments):
                    found.append(int(path.parent.name))
        return found

    def version(self):
        return self.fleet.get(f"/api/nodes/{NODE}")["agent_version"]

    def limit(self, seconds):
        """The guardian reads the config when it begins."""
        config = self.fleet.node_directory(NODE) / "agent.toml"
        lines = [line for line in config.read_text().splitlines() if "confirm_seconds" not in line]
        lines.insert(lines.index("[self_update]") + 1, f"confirm_seconds = {seconds}")
        config.write_text("\n".join(lines) + "\n")

    def release(self, program, mode=0o755):
        self.releases.write(self.fleet.repository, program, mode)
        commit = self.fleet.repository.commit("another agent")
        self.fleet.pull()
        return commit

    def task(self, job):
        return next(t for t in job["tasks"] if t["node_id"] == NODE)

    def wait_until_settled(self):
        """An agent runs from the role's files and nothing is left of the update."""
        home = self.fleet.node_directory(NODE)
        eventually(lambda: not (home / ATTEMPT).exists(), "no attempt is left")
        eventually(lambda: not self.our_processes("guard"), "the guardian has ended")
        self.assertFalse((home / "state/self_update/rolesync-agent").exists())
        self.assertEqual(len(self.our_processes("run")), 1)

    def assert_tree(self, commit):
        self.assertEqual(tree_on_disk(self.fleet.on_disk(NODE, TARGET)),
                         self.fleet.repository.tree(commit, "agent/"))

    def assert_comes_back(self, program, cause, mode=0o755):
        old = self.version()
        bad = self.release(program, mode)
        job = self.fleet.wait_for_job(self.fleet.start_sync(ROLE), 150)
        task = self.task(job)
        self.assertEqual((task["state"], task["reason"]),
                         ("rolled_back", "self_update_unconfirmed"), job)
        self.assertIn(cause, task["message"])
        self.assertIn("restarting", [s["state"] for s in task["steps"]], task)
        self.assertNotEqual(bad, self.commit)
        self.assert_tree(self.commit)
        self.fleet.wait_until_online()
        self.assertEqual(self.version(), old)
        self.wait_until_settled()

    # -- the stories -------------------------------------------------------------------------------

    def test_1_a_good_release(self):
        before = self.our_processes("run")
        self.fleet.repository.write("app/file", "one")
        self.fleet.add_role("app", ["app"], "/srv/app", restart_strategy="process",
                            auto_restart=True, restart_options={"command": f"sleep {self.NAP}"})
        self.fleet.assign(NODE, "app")
        commit = self.release(self.releases.next)
        self.fleet.sync("app")
        (program,) = self.hangs()
        job = self.fleet.wait_for_job(self.fleet.start_sync(ROLE), 90)
        task = self.task(job)
        self.assertEqual(task["state"], "succeeded", job)
        self.assertIn("restarting", [s["state"] for s in task["steps"]], task)
        eventually(lambda: self.version() == NEXT_VERSION, "the new version reports")
        eventually(lambda: self.our_processes("run") == before, "it is the same process")
        # Programs of roles are now children of another program, which sees to their end as well.
        self.assertEqual(self.hangs(), [program])
        os.kill(program, signal.SIGKILL)
        eventually(lambda: not os.path.exists(f"/proc/{program}"), "it is reaped")
        assigned = self.fleet.get(f"/api/nodes/{NODE}/roles")["assigned"]
        self.fleet.put(f"/api/nodes/{NODE}/roles", {"roles": [r for r in assigned if r != "app"]})
        self.assert_tree(commit)
        self.wait_until_settled()
        type(self).commit = commit

    def test_2_releases_that_cannot_be_started(self):
        for name, program, mode, cause in (
                ("not executable", self.releases.next, 0o644, "cannot be started"),
                ("for another machine", self.releases.for_another_machine(), 0o755, "Exec format"),
                ("lacks a library", self.releases.lacks_a_library(), 0o755, "libPocoNotSSL"),
                ("ends at once", script("exit 3"), 0o755, "exit 3"),
                ("crashes at once", script("kill -SEGV $$"), 0o755, "signal 11")):
            with self.subTest(name):
                before = self.our_processes("run")
                self.assert_comes_back(program, cause, mode)
                self.assertEqual(self.our_processes("run"), before, "the old one had to end")

    def test_3_releases_that_end_when_they_are_run(self):
        for name, then in (("ends", "exit 1"), ("crashes", "kill -SEGV $$")):
            with self.subTest(name):
                self.assert_comes_back(passes_its_trial(then), "ended before")

    def test_4_releases_that_never_reach_the_server(self):
        self.limit(4)
        try:
            away = f"exec {self.fleet.directory}/rolesync-agent-next \"$@\" --server http://127.0.0.1:1"
            for name, then in (("hangs", "exec sleep 1000"), ("finds no server", away)):
                with self.subTest(name):
                    self.assert_comes_back(passes_its_trial(then), "had not reached")
        finally:
            self.limit(60)

    def kill_everything_on_trial(self, program):
        """Starts an update, and kills both agent and guardian while it is on trial; the job's id."""
        self.limit(600)
        self.release(program)
        job_id = self.fleet.start_sync(ROLE)
        eventually(lambda: self.our_processes("guard") and self.hangs(), "it is on trial", 60)
        for pid in [*self.our_processes("guard"), *self.our_processes("run"), *self.hangs()]:
            with contextlib.suppress(ProcessLookupError):  # the end of one may be that of another
                os.kill(pid, signal.SIGKILL)
        self.fleet.agents[NODE].wait(30)  # that, or one before a guardian started another
        self.limit(60)
        return job_id

    def hangs(self):
        """The new agent, once it hangs; it may be one that was started by a guardian."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (path / "cmdline").read_bytes() == b"sleep\0" + self.NAP.encode() + b"\0":
                    found.append(int(path.name))
        return found

    NAP = f"1000.{os.getpid()}"  # ours among all sleeping processes

    def assert_rolled_back(self, job_id, version):
        task = self.task(self.fleet.wait_for_job(job_id, 90))
        self.assertEqual((task["state"], task["reason"]),
                         ("rolled_back", "self_update_unconfirmed"), task)
        self.assert_tree(self.commit)
        self.fleet.wait_until_online()
        self.assertEqual(self.version(), version)
        self.wait_until_settled()

    def test_5_everything_is_killed_while_a_bad_release_is_on_trial(self):
        """Without systemd nobody but a person starts what was kept of the old one."""
        old = self.version()
        job_id = self.kill_everything_on_trial(passes_its_trial(f"exec sleep {self.NAP}"))
        home = self.fleet.node_directory(NODE)
        self.fleet._run(home / "state/self_update/rolesync-agent", "recover", "--config",
                        home / "agent.toml")
        self.assert_tree(self.commit)
        self.fleet.start_agent(NODE)
        self.assert_rolled_back(job_id, old)

    def test_6_everything_is_killed_while_a_good_release_is_on_trial(self):
        """It is not confirmed, so whoever starts it gets the old one."""
        old = self.version()
        hold = self.fleet.directory / "hold"
        hold.touch()
        job_id = self.kill_everything_on_trial(passes_its_trial(
            f"[ -e {hold} ] && exec sleep {self.NAP}\n"
            f"exec {self.fleet.directory}/rolesync-agent-next \"$@\""))
        hold.unlink()
        self.fleet.start_agent(NODE)
        self.assert_rolled_back(job_id, old)


if __name__ == "__main__":
    unittest.main()
