# SPDX-License-Identifier: Apache-2.0
"""The network of a machine goes silent in each step of a sync, and comes back: nobody is told, both ends
keep connections that lead nowhere. The node goes on alone as far as it can."""
import time
import unittest

from fault_story import LONG, FaultStory
from faulty_fleet import ROLE, STEPS
from fleet import eventually


class NetworkFaults(FaultStory):
    SILENCE = 4  # seconds; longer ones are a story of their own

    def cut_in(self, step):
        fleet = self.fleet
        job_id, old, new = fleet.held_in(step)
        begin = time.monotonic()
        fleet.web.cut()
        fleet.open_gates()
        if step not in ("staging", "staged"):
            # Nobody is needed for what is left to do.
            end = old if step == "rolling_back" else new
            eventually(lambda: fleet.watched.marker("web-1").get("commit") == end
                       and not list((fleet.agent_state("web-1") / "tasks").glob("*.json")),
                       f"web-1 ends its task alone, cut in {step}", 60)
        time.sleep(max(0, self.SILENCE - (time.monotonic() - begin)))
        self.assertNotEqual(fleet.task(fleet.job(job_id))["state"], "succeeded")
        fleet.web.heal()
        job, ends = fleet.end(job_id, old, new)
        if step == "rolling_back":
            self.assert_ended(job, ("rolled_back", "command_failed"))
            self.assertEqual(ends, {"web-1": old, "web-2": old})
            fleet.release()
        else:
            self.assert_ended(job, ("succeeded", ""))
            self.assertEqual(ends, {"web-1": new, "web-2": new})
        fleet.sync_again()

    def test_silence_in_a_step(self):
        for step in STEPS if LONG else ("staging", "post_sync", "rolling_back"):
            with self.subTest(step):
                self.cut_in(step)

    @unittest.skipUnless(LONG, "takes minutes")
    def test_silence_until_the_server_gives_the_node_up(self):
        fleet, hub = self.fleet, self.fleet.hub
        config = "/etc/rolesync/server.toml"
        before = hub.read(config)
        hub.write(config, before + "\n[jobs]\nnode_gone_seconds = 20\n", 0o640)
        self.addCleanup(hub.exec, "systemctl", "restart", "rolesync-server")
        self.addCleanup(hub.write, config, before, 0o640)
        hub.exec("systemctl", "restart", "rolesync-server")
        eventually(fleet._answers, "the server answers")
        fleet.wait_until_online()
        for step in STEPS:
            with self.subTest(step):
                job_id, old, new = fleet.held_in(step)
                fleet.web.cut()
                fleet.open_gates()
                job = fleet.wait_for_job(job_id, 120)
                self.assertEqual(fleet.task(job)["reason"], "node_gone", job)
                fleet.web.heal()
                fleet.wait_until_online()
                ends = fleet.watched.check(job, old, new)  # whichever: it is what the server knows
                print(f"    given up in {step}: {job['state']}, web-1 ends "
                      f"{'new' if ends['web-1'] == new else 'old'}", flush=True)
                if step == "rolling_back":
                    fleet.release()
                fleet.sync_again()
