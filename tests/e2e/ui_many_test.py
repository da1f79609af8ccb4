# SPDX-License-Identifier: Apache-2.0
"""The web UI with 1,000 simulated nodes and seven roles on each: the matrix keeps few rows in the
document, scrolls within its budget of CPU time, filters, and shows a rollout over all of them. Wall times
are printed, not judged: test machines are shared."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from fleet import BUILD, SOURCE, Fleet
from simulated import SimulatedFleet

NODE = os.environ.get("ROLESYNC_NODE", "node")
NODES = int(os.environ.get("ROLESYNC_UI_NODES", "1000"))
ROLES = [f"role-{i}" for i in range(1, 8)]


class ManyNodes(unittest.TestCase):
    def test_many(self):
        with Fleet(agents=0) as fleet:
            repository = fleet.repository.init()
            for role in ROLES:
                repository.write(f"{role}/file.txt", "one\n")
            repository.commit("Seven roles")
            fleet.start_server()
            fleet.set_source("file")
            for role in ROLES:
                fleet.add_role(role, [role], f"/srv/{role}")
            fleet.pull()
            with SimulatedFleet(fleet, nodes=NODES, prefix="sim-", failing=2, quarantined=True) as simulated:
                simulated.wait_until_settled(300)
                for i in range(NODES):
                    fleet.put(f"/api/nodes/sim-{i + 1:05}/roles", {"roles": ROLES})
                self.run_story(fleet)

    def run_story(self, fleet):
        world = {
            "url": fleet.url, "token": fleet.token, "nodes": NODES, "screenshots": str(BUILD / "ui-screenshots"),
            "web": str(SOURCE / "server/web"), "chromium": shutil.which("chromium") or "chromium",
        }
        with tempfile.TemporaryDirectory(prefix="rolesync-ui-") as home:
            done = subprocess.run(
                [NODE, str(SOURCE / "tests/e2e/ui/many.mjs")], input=json.dumps(world), text=True,
                env={**os.environ, "HOME": home}, stdout=sys.stderr, timeout=600, check=False)
        self.assertEqual(done.returncode, 0, "the browser's story failed; see above")


if __name__ == "__main__":
    unittest.main()
