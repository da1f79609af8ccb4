# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the server and of agents in the middle of syncs: every job ends, nothing acknowledged
is lost, and no node is left between two releases."""
import random
import signal
import time
import unittest

from fleet import Fleet, eventually, tree_on_disk

SERVER_KILLS = 6
AGENT_KILLS = 10


class Kill(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(20261123)
        self.fleet = Fleet()
        self.addCleanup(self.fleet.close)
        repository = self.fleet.repository.init()
        self.commits = []
        for version in range(2):
            for i in range(120):
                repository.write(f"app/d{i % 7}/f{i}", f"{version} {i}\n" * 20)
            if version == 0:
                repository.write("app/only-first", "x")
            else:
                repository.git("rm", "-q", "app/only-first")
            self.commits.append(repository.commit(f"version {version}"))
        repository.git("reset", "-q", "--hard", self.commits[0])
        self.fleet.start()
        self.fleet.set_source()
        self.fleet.add_role("app", ["app"], "/srv/app")
        for node in self.fleet.nodes:
            self.fleet.assign(node, "app")
        self.fleet.pull()
        self.fleet.sync("app")
        self.current = 0

    def start_next_sync(self):
        self.fleet.wait_until_online()  # agents back off before they try a restarted server again
        self.current = 1 - self.current
        self.fleet.repository.git("reset", "-q", "--hard", self.commits[self.current])
        self.fleet.pull()
        return self.fleet.start_sync("app")

    def tree(self, node):
        return tree_on_disk(self.fleet.on_disk(node, "/srv/app"))

    def expected(self, index):
        return self.fleet.repository.tree(self.commits[index], "app/")

    def test_server_killed_during_a_job(self):
        for _ in range(SERVER_KILLS):
            job_id = self.start_next_sync()
            time.sleep(self.random.uniform(0, 0.25))  # where the kill falls is what varies
            self.fleet.stop_server(signal.SIGKILL)
            self.fleet.start_server()
            job = self.fleet.wait_for_job(job_id, 90)  # a 2xx survived
            self.assertEqual(job["state"], "succeeded", job)
            for node in self.fleet.nodes:
                self.assertEqual(self.tree(node), self.expected(self.current))

    def test_agent_killed_during_a_job(self):
        node = "node-2"
        for _ in range(AGENT_KILLS):
            job_id = self.start_next_sync()
            time.sleep(self.random.uniform(0, 0.25))
            self.fleet.stop_agent(node, signal.SIGKILL)
            self.fleet.start_agent(node)
            job = self.fleet.wait_for_job(job_id, 90)
            for task in job["tasks"]:
                self.assertTrue(task["state"] in ("succeeded", "rolled_back") or task["reason"], task)
            self.assertIn(self.tree(node), [self.expected(0), self.expected(1)], "half a tree")
            recorded = next(c for c in self.fleet.get("/api/status")["cells"]
                            if c["node_id"] == node and c["role_name"] == "app")
            eventually(lambda: self.recorded_commit(node) in self.commits
                       and self.tree(node) == self.expected(
                           self.commits.index(self.recorded_commit(node))),
                       f"the record agrees with the disk: {recorded}")
            # Whatever happened, the next sync brings the node there.
            self.fleet.sync("app")
            self.assertEqual(self.tree(node), self.expected(self.current))

    def recorded_commit(self, node):
        for cell in self.fleet.get("/api/status")["cells"]:
            if cell["node_id"] == node and cell["role_name"] == "app":
                return cell["version"]["commit"]


if __name__ == "__main__":
    unittest.main()
