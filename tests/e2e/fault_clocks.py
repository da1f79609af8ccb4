# SPDX-License-Identifier: Apache-2.0
"""The wall clock of a node jumps: forward a day, then back a year, at rest and in the middle of a sync.
Machines of a test share this machine's clock, so libfaketime tells the agent of one of them another
time; its monotonic clock stays true, as that of a real machine does."""
import glob
import pathlib
import time

from fault_story import LONG, FaultStory
from faulty_fleet import ROLE, TARGET
from fleet import eventually

LIBRARY = "/usr/lib/rolesync-test/libfaketime.so.1"
DROP_IN = "/etc/systemd/system/rolesync-agent.service.d/clock.conf"
CLOCK = "/srv/gates/clock"  # an offset, as libfaketime reads it
DAY, YEAR = 86400, 365 * 86400


class ClockFaults(FaultStory):
    def setUp(self):
        super().setUp()
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        self.assertTrue(found, "libfaketime is not installed; run script/bootstrap")
        web = self.web = self.fleet.web
        web.write(LIBRARY, pathlib.Path(found[0]).read_bytes(), 0o755)
        self.jump(0)
        web.write(DROP_IN, f"[Service]\nEnvironment=LD_PRELOAD={LIBRARY} FAKETIME_NO_CACHE=1 "
                  f"FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_TIMESTAMP_FILE={CLOCK}\n")
        self.restart_agent()
        self.addCleanup(self.restart_agent)
        self.addCleanup(web.exec, "rm", "-f", DROP_IN, check=False)

    def restart_agent(self):
        self.web.exec("systemctl", "daemon-reload")
        self.web.exec("systemctl", "restart", "rolesync-agent")
        self.fleet.wait_until_online()

    def jump(self, seconds):
        self.web.write(CLOCK, f"{seconds:+d}\n")

    def agent_says(self):
        """The agent's own idea of the time, from its last line of log."""
        lines = self.web.exec("journalctl", "-u", "rolesync-agent", "-n", "1", "-o", "cat").stdout
        return time.mktime(time.strptime(lines[:19], "%Y-%m-%dT%H:%M:%S"))

    def test_a_clock_that_jumps(self):
        jumps = [("a day forward", DAY), ("a year back", -YEAR), ("right again", 0)]
        for name, offset in jumps if LONG else (jumps[0], jumps[2]):
            with self.subTest(name):
                self.one_jump(offset)

    def one_jump(self, offset):
        fleet, web = self.fleet, self.web
        # In the middle of a sync, while it is waited for the service.
        job_id, old, new = fleet.held_in("health")
        self.jump(offset)
        # Its service is known to run the new files: not by the wall clock.
        job, ends = fleet.end(job_id, old, new)
        self.assert_ended(job, ("succeeded", ""))
        self.assertLess(abs(self.agent_says() - time.time() - offset), 3600, "the clock was not moved")
        # What is measured goes on being measured: a drift shows within a heartbeat, and goes.
        (web.root / TARGET.lstrip("/") / "same").write_text("by hand\n")
        fleet.wait_for_version("drifted")
        (web.root / TARGET.lstrip("/") / "same").write_text("the same\n")
        fleet.wait_for_version("current")
        if LONG or offset:
            self.check_limit(offset)
        # It is heard of all the time, and does not take what was for another's.
        self.assertEqual(fleet.get("/api/nodes/web-1")["state"], "online")
        fleet.release()
        job = fleet.wait_for_job(fleet.start_sync(ROLE), 120)
        self.assert_ended(job, ("succeeded", ""))
        fleet.watched.check(job, fleet.commit)
        if offset == 0:
            fleet.sync_again()

    def check_limit(self, offset):
        """A limit of twelve seconds is one of twelve seconds."""
        fleet = self.fleet
        old, new = fleet.release(broken="sleep 100000;")
        begin = time.monotonic()
        job_id = fleet.start_sync(ROLE)
        eventually(lambda: fleet.task(fleet.job(job_id))["state"] == "checking", "it is checked", 60)
        self.jump(offset + 3600)
        job, ends = fleet.end(job_id, old, new, service=False)
        self.assert_ended(job, ("rolled_back", "health_check_failed"))
        self.assertEqual(ends, {"web-1": old, "web-2": old})
        self.assertGreater(time.monotonic() - begin, fleet.health_seconds - 2)
        self.jump(offset)
