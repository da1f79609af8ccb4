# SPDX-License-Identifier: Apache-2.0
"""The agent as a service of a real systemd: it updates itself, falls back from bad releases, also when
everything is killed or the machine loses its power, is restarted when it hangs, and its doctor names
what too strict a unit forbids. Needs root."""
import contextlib
import ctypes
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import time
import unittest

import machines
from agent_release import NEXT_VERSION, ROLE, TARGET, Releases, passes_its_trial, role
from fleet import eventually
from machine_story import MachineStory

UNIT = "rolesync-agent"
DROP_IN = f"/etc/systemd/system/{UNIT}.service.d/z-story.conf"
STATE = "/var/lib/rolesync-agent"
NAP = "sleep 100000"
LONG = "--long" in sys.argv


class SelfUpdateMachines(MachineStory):
    @classmethod
    def prepare(cls):
        fleet = cls.fleet
        with tempfile.TemporaryDirectory() as scratch:
            cls.releases = Releases(scratch)
        cls.releases.write(cls.repository, cls.releases.agent)
        cls.commit = cls.repository.commit("the agent")
        fleet.cli("node", "assign", "hub", "code-source")
        fleet.cli("source", "set", "--node", "hub", "--repository", cls.repository.path)
        fleet.put(f"/api/roles/{ROLE}", role())
        fleet.cli("source", "pull")
        fleet.assign("web-1", ROLE)
        fleet.sync(ROLE)
        # As the operator guide says.
        cls.web.exec("ln", "-sfn", f"{TARGET}/bin/rolesync-agent", "/usr/local/bin/rolesync-agent")
        cls.web.exec("systemctl", "restart", UNIT)
        fleet.wait_until_online()

    def tearDown(self):
        self.drop_in("")
        self.limit(60)

    # -- the machine --------------------------------------------------------------------------------

    def drop_in(self, text):
        self.web.write(DROP_IN, f"[Service]\n{text}\n")
        self.web.exec("systemctl", "daemon-reload")

    def limit(self, seconds):
        path = "/etc/rolesync/agent.toml"
        text = re.sub(r"\[self_update\]\nconfirm_seconds = \d+\n", "", self.web.read(path))
        self.web.write(path, f"{text.rstrip()}\n[self_update]\nconfirm_seconds = {seconds}\n")

    def main_process(self):
        return self.web.show(UNIT, "MainPID")["MainPID"]

    def version(self):
        return self.fleet.get("/api/nodes/web-1")["agent_version"]

    def release(self, program):
        self.releases.write(self.repository, program)
        commit = self.repository.commit("another agent")
        self.fleet.pull()
        return commit

    def task(self, job):
        return next(t for t in job["tasks"] if t["node_id"] == "web-1")

    def assert_program(self, program):
        self.assertEqual((self.web.root / f"{TARGET}/bin/rolesync-agent".lstrip("/")).read_bytes(),
                         program)

    def wait_until_settled(self):
        home = self.web.root / f"{STATE}/self_update".lstrip("/")
        eventually(lambda: not (home / "attempt.json").exists(), "no attempt is left", 60)
        eventually(lambda: self.web.exec("pgrep", "-f", "rolesync-agent guard", check=False)
                   .returncode == 1, "the guardian has ended", 60)
        eventually(lambda: self.web.show(UNIT, "ActiveState", "SubState") ==
                   {"ActiveState": "active", "SubState": "running"}, "the agent runs", 60)
        self.assertEqual(self.web.exec("pgrep", "-c", "-f", "rolesync-agent run").stdout, "1\n")
        self.fleet.wait_until_online()

    def assert_rolled_back(self, job_id, cause, version):
        task = self.task(self.fleet.wait_for_job(job_id, 150))
        self.assertEqual((task["state"], task["reason"]),
                         ("rolled_back", "self_update_unconfirmed"), task)
        self.assertIn(cause, task["message"])
        self.wait_until_settled()
        self.assertEqual(self.version(), version)
        self.assert_program(self.program)

    program = property(lambda self: self.releases.next if self.version() == NEXT_VERSION
                       else self.releases.agent)

    def start_and_wait_for_trial(self, program):
        self.release(program)
        job_id = self.fleet.start_sync(ROLE)
        eventually(lambda: self.web.exec("pgrep", "-x", "-f", NAP, check=False).returncode == 0,
                   "the new agent is on trial", 60)
        return job_id

    # -- updates ------------------------------------------------------------------------------------

    def test_1_a_good_release(self):
        before = self.main_process()
        self.release(self.releases.next)
        task = self.task(self.fleet.wait_for_job(self.fleet.start_sync(ROLE), 90))
        self.assertEqual(task["state"], "succeeded", task)
        eventually(lambda: self.version() == NEXT_VERSION, "the new version reports")
        self.assertEqual(self.main_process(), before)
        self.wait_until_settled()
        self.assert_program(self.releases.next)
        self.assertEqual(self.web.show(UNIT, "NRestarts")["NRestarts"], "0")

    def test_2_a_release_that_ends(self):
        version = self.version()
        self.release(passes_its_trial("exit 1"))
        self.assert_rolled_back(self.fleet.start_sync(ROLE), "ended before", version)

    def test_3_power_is_lost_while_a_release_that_hangs_is_on_trial(self):
        version = self.version()
        self.limit(600)
        job_id = self.start_and_wait_for_trial(passes_its_trial(f"exec {NAP}"))
        self.web.kill()
        self.web.start().wait_until_up()
        self.assert_rolled_back(job_id, "the machine did", version)
        recovered = self.web.show("rolesync-recover", "Result", "ActiveState")
        self.assertEqual(recovered, {"Result": "success", "ActiveState": "active"})

    @unittest.skipUnless(LONG, "long")
    def test_4_a_release_that_hangs(self):
        version = self.version()
        self.limit(5)
        job_id = self.start_and_wait_for_trial(passes_its_trial(f"exec {NAP}"))
        self.assert_rolled_back(job_id, "had not reached", version)

    @unittest.skipUnless(LONG, "long")
    def test_5_the_guardian_is_killed_too(self):
        """Nobody is left but the unit itself, which does not start what is not confirmed."""
        version = self.version()
        self.limit(600)
        job_id = self.start_and_wait_for_trial(passes_its_trial(f"exec {NAP}"))
        self.web.exec("pkill", "-KILL", "-f", "rolesync-agent guard")
        self.web.exec("pkill", "-KILL", "-x", "-f", NAP)
        self.assert_rolled_back(job_id, "the agent ended", version)

    @unittest.skipUnless(LONG, "long")
    def test_6_a_clean_reboot_while_a_release_is_on_trial(self):
        version = self.version()
        self.limit(600)
        job_id = self.start_and_wait_for_trial(passes_its_trial(f"exec {NAP}"))
        self.web.stop()
        self.web.start().wait_until_up()
        self.assert_rolled_back(job_id, "before", version)

    # -- systemd ------------------------------------------------------------------------------------

    def restarts(self):
        return int(self.web.show(UNIT, "NRestarts")["NRestarts"])

    def test_7_an_agent_that_hangs_is_restarted(self):
        self.assertEqual(self.web.show(UNIT, "Type")["Type"], "notify")
        eventually(lambda: re.search("web-1 connected since .*; [0-9]+ roles",
                                     self.web.show(UNIT, "StatusText")["StatusText"]), "its status")
        self.drop_in("WatchdogSec=4")
        self.web.exec("systemctl", "restart", UNIT)
        self.fleet.wait_until_online()
        before, restarts = self.main_process(), self.restarts()
        os.kill(self.web.outside(before), signal.SIGSTOP)
        eventually(lambda: self.restarts() > restarts and self.main_process() not in ("0", before),
                   "systemd starts it again", 60)
        self.assertIn("watchdog", self.web.journal("-u", UNIT).lower())
        self.wait_until_settled()

    @unittest.skipUnless(LONG, "long")
    def test_8_one_thread_that_hangs_is_enough(self):
        self.drop_in("WatchdogSec=4")
        self.web.exec("systemctl", "restart", UNIT)
        self.fleet.wait_until_online()
        before, restarts = self.main_process(), self.restarts()
        agent = self.web.outside(before)
        timeouts = self.web.journal("-u", UNIT).count("Watchdog timeout")
        with Held(thread_of(agent, "heartbeat")):
            # In the middle of a long poll, which alone may take 40 s.
            eventually(lambda: "agent.hangs thread=heartbeat" in self.web.journal("-u", UNIT),
                       "the agent notices", 180)
            eventually(lambda: self.web.journal("-u", UNIT).count("Watchdog timeout") > timeouts,
                       "systemd notices", 60)
        # A process that is traced cannot end, so only now.
        eventually(lambda: self.restarts() > restarts, "systemd starts it again", 120)
        self.wait_until_settled()

    def doctor(self):
        done = self.web.exec("rolesync", "agent", "doctor", "--json", check=False)
        found = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if found["ok"] else 1, done.stdout)
        return {c["reason"]: c["message"] for c in found["checks"] if c["level"] == "fail"}, found

    def test_9_the_doctor_names_what_too_strict_a_unit_forbids(self):
        failed, found = self.doctor()  # under the strict drop-in of packaging/
        self.assertEqual(failed, {}, found)
        levels = {c["check"]: c["level"] for c in found["checks"]}
        for check in ("unit", "unit.recover", "server.certificate", "server.credential",
                      "server.clock", "state.lock", "systemd.bus"):
            self.assertEqual(levels[check], "ok", found)
        for directive, reason in (("ReadWritePaths=\nReadWritePaths=/var/lib", "unit_read_only"),
                                  ("ReadWritePaths=/srv/app-one", "unit_divides_root"),
                                  ("PrivateNetwork=yes", "unit_without_network"),
                                  ("RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
                                   "unit_forbids_family"),
                                  ("SystemCallFilter=~renameat2", "unit_forbids_call"),
                                  ("SystemCallFilter=@basic-io", "unit_forbids_call")):
            with self.subTest(directive):
                self.drop_in(directive)
                self.assertIn(reason, self.doctor()[0])
        self.drop_in("SystemCallFilter=@system-service\nRestrictAddressFamilies=AF_UNIX AF_INET "
                     "AF_INET6 AF_NETLINK")
        self.assertEqual(self.doctor()[0], {})
        # What it says is enough is enough.
        self.web.exec("systemctl", "restart", UNIT)
        self.fleet.wait_until_online()
        self.repository.write("strict/file", f"{time.time()}\n")
        self.fleet.put("/api/roles/app-strict", {"role_name": "app-strict", "source_paths": ["strict"],
                                                 "target_path": "/srv/app-strict"})
        self.repository.commit("for the strict one")
        self.fleet.pull()
        self.fleet.assign("web-1", "app-strict")
        self.fleet.sync("app-strict")
        self.web.exec("systemctl", "disable", "rolesync-recover")
        try:
            warned = {c["reason"] for c in self.doctor()[1]["checks"] if c["level"] == "warn"}
            self.assertIn("recover_not_enabled", warned)
        finally:
            self.web.exec("systemctl", "enable", "rolesync-recover")


def thread_of(process, name):
    for path in pathlib.Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it may just end
            if (path / "comm").read_text() == name + "\n":
                return int(path.name)
    raise AssertionError(f"process {process} has no thread {name}")


class Held:
    """One thread of a process, stopped by ptrace while the others go on. By a process of its own:
    a thread that was killed meanwhile is only gone with the process that traces it."""
    SEIZE, INTERRUPT = 0x4206, 0x4207

    def __init__(self, thread):
        self.thread = thread

    def __enter__(self):
        read, write = os.pipe()
        self.tracer = os.fork()
        if self.tracer == 0:
            ptrace = ctypes.CDLL(None).ptrace
            ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
            held = all(ptrace(r, self.thread, None, None) == 0 for r in (self.SEIZE, self.INTERRUPT))
            os.write(write, b"y" if held else b"n")
            while True:
                time.sleep(1000)
        if os.read(read, 1) != b"y":
            raise OSError("the thread cannot be traced")
        return self

    def __exit__(self, *_):
        os.kill(self.tracer, signal.SIGKILL)
        os.waitpid(self.tracer, 0)


if __name__ == "__main__":
    if LONG and machines.INSIDE in os.environ:
        sys.argv.remove("--long")
    machines.main()
