# SPDX-License-Identifier: Apache-2.0
"""What the stories about faults have in common: one fleet for all of a run, how long each took, and
which run: the short one that every change has to pass, or with --long all of the list."""
import os
import random
import sys
import time
import unittest

import machines
from faulty_fleet import FaultyFleet

LONG = "--long" in sys.argv
# Of everything that is left to chance; --seed=N repeats a run. Kept when this program starts itself
# again in namespaces of its own.
SEED = int(next((a.partition("=")[2] for a in sys.argv if a.startswith("--seed=")),
                os.environ.setdefault("ROLESYNC_SEED", str(random.randrange(10**6)))))


class FaultStory(unittest.TestCase):
    fleet = None
    failed = False

    @classmethod
    def setUpClass(cls):
        if FaultStory.fleet is None:
            begin = time.monotonic()
            FaultStory.fleet = FaultyFleet()
            print(f"three machines and a first sync: {time.monotonic() - begin:.0f} s", flush=True)

    def setUp(self):
        self.begin = time.monotonic()
        self.addCleanup(self.fleet.heal_everything)
        if FaultStory.failed:  # what another left must not be taken for this one's
            self.fleet.heal_everything()
            self.fleet.wait_until_online()
            self.fleet.release()
            self.fleet.sync_again()

    def tearDown(self):
        print(f"  {time.monotonic() - self.begin:.1f} s: {self.id().rpartition('.')[2]}", flush=True)

    def run(self, result=None):
        before = len(result.errors) + len(result.failures)
        super().run(result)
        FaultStory.failed |= len(result.errors) + len(result.failures) > before

    def assert_ended(self, job, *expected):
        """The job's (state, reason) is one of these."""
        self.assertIn((job["state"], job["reason"]), expected, job)


def main():
    if machines.INSIDE in os.environ:
        print(f"seed {SEED}{', all stories' if LONG else ''}", flush=True)
    own = [a for a in sys.argv if a == "--long" or a.startswith(("--seed=", "--cuts="))]
    try:
        machines.main(argv=[a for a in sys.argv if a not in own])
    finally:
        if FaultStory.fleet:
            FaultStory.fleet.close(keep=FaultStory.failed)
