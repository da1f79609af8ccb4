# SPDX-License-Identifier: Apache-2.0
"""A server that is told to end or to read its certificate again: within 30 seconds, with everything
that hangs on it, and jobs go on where they were when it is back."""
import http.client
import shutil
import signal
import ssl
import threading
import time
import tomllib
import unittest

from fleet import BIN, Fleet, Problem, eventually
from spoken_node import Node


class Stop(unittest.TestCase):
    def test_ends_in_time_and_jobs_go_on(self):
        fleet = Fleet(agents=1)
        self.addCleanup(fleet.close)
        fleet.repository.init()
        fleet.repository.write("app/file", "content\n")
        fleet.repository.commit("first")
        fleet.start()
        fleet.set_source("file")
        ran = fleet.directory / "ran"
        fleet.add_role("app", ["app"], "/srv/app",
                       post_sync_cmd=["sh", "-c", f"echo once >>{ran}; sleep 6"])
        fleet.assign("node-1", "app")
        fleet.pull()
        silent = Node(fleet, "silent")
        silent.beat()
        fleet.put("/api/code-source", {"name": "slow", "transport": "agent", "node_id": "silent",
                                       "repository": "/srv/r.git"})
        # What hangs on it: events, a fetch that nobody serves, the agent's poll, a running job.
        events = http.client.HTTPConnection("127.0.0.1", fleet.port, timeout=60)
        events.request("GET", "/api/events", headers={"Authorization": f"Bearer {fleet.token}"})
        events.getresponse()
        answers = []

        def pull():
            try:
                answers.append(fleet.request("POST", "/api/code-sync/pull", {"source": "slow"}))
            except (OSError, http.client.HTTPException) as error:
                answers.append(error)

        fetching = threading.Thread(target=pull)
        fetching.start()
        job = fleet.start_sync("app")
        eventually(ran.exists, "the role's command runs")
        begin = time.monotonic()
        fleet.server.send_signal(signal.SIGTERM)
        self.assertEqual(fleet.server.wait(60), 0, fleet.log("server"))
        self.assertLess(time.monotonic() - begin, 30, fleet.log("server"))
        fetching.join(30)
        self.assertEqual(len(answers), 1)
        events.close()
        fleet.start_server()
        self.assertEqual(fleet.wait_for_job(job)["state"], "succeeded")
        self.assertEqual(ran.read_text(), "once\n")
        self.assertEqual(len(fleet.get("/api/sync-jobs")["jobs"]), 1)

    def test_drained_nodes_wait(self):
        fleet = Fleet(agents=0)
        self.addCleanup(fleet.close)
        fleet.repository.init()
        fleet.repository.write("app/file", "content\n")
        fleet.repository.commit("first")
        fleet.start_server()
        node = Node(fleet)
        fleet.add_role("app", ["app"], "/srv/app")
        fleet.put("/api/nodes/n1/roles", {"roles": ["app"]})
        fleet.set_source("file")
        fleet.pull()
        node.beat()
        job = fleet.start_sync("app")
        fleet.post("/api/nodes/n1/drain", {"reason": "a new disk"})
        self.assertEqual(node.beat(), [], "what was not begun waits")
        self.assertEqual(fleet.get("/api/nodes/n1")["state"], "draining")
        fleet.stop_server()
        fleet.start_server()
        self.assertEqual(node.beat(), [], "also after a restart")
        row, = fleet.post("/api/code-sync/plan", {"roles": ["app"]})["rows"]
        self.assertIn(("node_drained", "node n1 is drained: a new disk"),
                      [(b["reason"], b["message"]) for b in row["blockers"]])
        fleet.post("/api/nodes/n1/undrain")
        self.assertEqual(node.command("stage")["payload"]["job_id"], job)
        with self.assertRaisesRegex(Problem, "422"):
            fleet.post("/api/nodes/n1/drain", {"reason": ""})

    def test_reads_its_certificate_again(self):
        fleet = Fleet(agents=0, tls=True)
        self.addCleanup(fleet.close)
        fleet.start_server()

        def shown():
            return ssl.get_server_certificate(("127.0.0.1", fleet.port))

        before = shown()
        other = fleet.directory / "other"
        fleet._run(BIN / "rolesync-server", "init", "--config", other / "server.toml",
                   "--state-dir", other, "--listen", "127.0.0.1:1", "--tls")
        here, there = (tomllib.loads((home / "server.toml").read_text())["tls"]
                       for home in (fleet.state, other))
        shutil.copy(there["certificate"], here["certificate"])
        fleet.server.send_signal(signal.SIGHUP)  # the key is still the other one's
        eventually(lambda: "certificate_kept" in fleet.log("server"), "the log tells")
        self.assertEqual(shown(), before)
        shutil.copy(there["key"], here["key"])
        fleet.server.send_signal(signal.SIGHUP)
        eventually(lambda: shown() != before, "the new certificate is shown")
        self.assertIsNone(fleet.server.poll())


if __name__ == "__main__":
    unittest.main()
