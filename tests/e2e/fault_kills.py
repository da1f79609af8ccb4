# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the agent, of the server and of both in each step of a sync; what a killed agent had started;
and a restart of the machine in the middle of a sync."""
from fault_story import LONG, FaultStory
from faulty_fleet import ROLE, STEPS
from fleet import eventually

SERVER, AGENT = "rolesync-server", "rolesync-agent"
SHORT = (("staging", "both"), ("activating", "agent"), ("post_sync", "server"), ("restart", "agent"),
         ("rolling_back", "both"))


class KillFaults(FaultStory):
    def kill(self, machine, unit):
        """systemd starts it again."""
        before = machine.show(unit, "MainPID")["MainPID"]
        machine.exec("systemctl", "kill", "--kill-whom=main", "--signal=KILL", unit)
        eventually(lambda: machine.show(unit, "MainPID")["MainPID"] not in (before, "0"),
                   f"{unit} is back", 60)
        if unit == SERVER:
            eventually(self.fleet._answers, "the server answers", 60)

    def kill_in(self, step, victim):
        fleet = self.fleet
        job_id, old, new = fleet.held_in(step)
        if victim in ("server", "both"):
            self.kill(fleet.hub, SERVER)
        if victim in ("agent", "both"):
            self.kill(fleet.web, AGENT)
        job, ends = fleet.end(job_id, old, new)
        if step == "rolling_back":
            self.assert_ended(job, ("rolled_back", "command_failed"))
            self.assertEqual(ends, {"web-1": old, "web-2": old})
            fleet.release()
        elif step == "activating" and victim != "server":
            # The way there is not gone again: whether a command may run twice is not known.
            self.assertEqual(fleet.task(job)["reason"], "interrupted", job)
            self.assertEqual(ends["web-1"], old)
        else:
            self.assert_ended(job, ("succeeded", ""))
            self.assertEqual(ends, {"web-1": new, "web-2": new})
        fleet.sync_again()

    def test_killed_in_a_step(self):
        everything = [(s, v) for s in STEPS for v in ("agent", "server", "both")]
        for step, victim in everything if LONG else SHORT:
            with self.subTest(step=step, victim=victim):
                self.kill_in(step, victim)

    def test_a_command_that_hangs_does_not_outlive_its_agent(self):
        fleet, web = self.fleet, self.fleet.web
        # What the agent had begun hangs for ever; what it begins after its death does not.
        web.write("/usr/local/bin/hang-once", "#!/bin/sh\n[ -e /srv/gates/hung ] && exit 0\n"
                  ": >/srv/gates/hung\nsleep 100000 & sleep 100000\n", 0o755)
        before = web.read("/usr/local/bin/role-command")
        self.addCleanup(web.write, "/usr/local/bin/role-command", before, 0o755)
        self.addCleanup(web.exec, "pkill", "-f", "hang-once|^sleep 100000", check=False)
        web.write("/usr/local/bin/role-command", "#!/bin/sh\n[ \"$1\" != post_sync ] || exec hang-once\n",
                  0o755)
        old, new = fleet.release()
        job_id = fleet.start_sync(ROLE)
        eventually((web.root / "srv/gates/hung").exists, "the command hangs")
        self.kill(web, AGENT)
        job, ends = fleet.end(job_id, old, new)
        self.assert_ended(job, ("succeeded", ""))
        self.assertEqual(ends["web-1"], new)
        fleet.sync_again()

    def test_reboot_in_the_middle_of_a_sync(self):
        fleet, web = self.fleet, self.fleet.web
        for step in STEPS if LONG else ("post_sync",):
            with self.subTest(step):
                job_id, old, new = fleet.held_in(step)
                web.exec("systemctl", "reboot", check=False)
                eventually(lambda: web.process.poll() is not None, "web-1 is down", 90)
                web.stop()
                fleet.open_gates()
                web.start().wait_until_up()
                job, ends = fleet.end(job_id, old, new)
                allowed = [("succeeded", "")]
                if step == "rolling_back":
                    allowed = [("rolled_back", "command_failed")]
                elif step == "activating":
                    allowed = [("partly_failed", "interrupted"), ("failed", "interrupted")]
                self.assert_ended(job, *allowed)
                if step == "rolling_back":
                    self.assertEqual(ends, {"web-1": old, "web-2": old})
                    fleet.release()
                fleet.sync_again()
