# SPDX-License-Identifier: Apache-2.0
"""A machine loses its power at a random moment of a sync, again and again: one that is synced, or the
one with the server. --cuts=N, --seed=N.

Power loss is the end of every process at once; the disk keeps what the kernel had been given. What
a real one takes from that as well, everything that was not fsynced, is taken by the tests of
host/activation and server/store, which replay the recorded file operations without it."""
import collections
import json
import random
import sys
import time

import fault_story
from faulty_fleet import ROLE
from fault_story import SEED, FaultStory

CUTS = next((int(a.partition("=")[2]) for a in sys.argv if a.startswith("--cuts=")), 8)


class PowerLoss(FaultStory):
    def test_power_is_lost_at_random_moments_of_a_sync(self):
        fleet, chance = self.fleet, random.Random(SEED)
        begin = time.monotonic()
        fleet.release(payload=True)
        fleet.sync(ROLE)
        usual = time.monotonic() - begin
        ends, moments = collections.Counter(), collections.Counter()
        for cut in range(CUTS):
            victim = fleet.machines[chance.choice(["web-1", "web-1", "web-1", "web-2", "hub"])]
            # Most of the time a sync waits for its service; what it does is done in the beginning.
            moment = 0.7 * usual * chance.random() ** 2
            old, new = fleet.release(payload=chance.random() < 0.7)
            try:
                job_id = fleet.start_sync(ROLE)
                time.sleep(moment)
                victim.kill()
                moments[self.interrupted(victim)] += 1
                victim.start().wait_until_up(120)
                job, _ = fleet.end(job_id, old, new)
                ends[job["state"], job["reason"]] += 1
                fleet.sync_again()
                print(f"  cut {cut}: {victim.name} after {moment:.2f} s: {job['state']} "
                      f"{job['reason']}", flush=True)
            except BaseException as error:
                error.add_note(f"cut {cut} of seed {SEED}: {victim.name} after {moment:.3f} s, "
                               f"on the way from {old} to {new}")
                raise
        print(f"{CUTS} power cuts, seed {SEED}, {time.monotonic() - begin:.0f} s (a sync takes "
              f"{usual:.1f} s); the machine was in {dict(moments)}; the jobs then {dict(ends)}",
              flush=True)

    def interrupted(self, victim):
        """Where the power was lost, from what the agent had written."""
        if victim is self.fleet.hub:
            return "server"
        state = self.fleet.watched.state(victim.name)
        if (state / "journal").exists():
            return "the switch"
        for record in (self.fleet.agent_state(victim.name) / "tasks").glob("*.json"):
            try:
                said = json.loads(record.read_text())
            except ValueError:
                continue
            return said["phase"] + (f" {said['step']}" if said["phase"] == "switching" else "")
        return "no task"


if __name__ == "__main__":
    fault_story.main()
