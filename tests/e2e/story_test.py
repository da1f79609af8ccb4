# SPDX-License-Identifier: Apache-2.0
"""The main job over plain loopback and over TLS: current, outdated, plan, sync, drift, repair,
failure, rollback; local files stay; shared targets keep apart; nothing is deployed by itself."""
import pathlib
import unittest

from fleet import Fleet, Problem, eventually, tree_on_disk


def cells(fleet, role):
    return {c["node_id"]: c for c in fleet.get("/api/status")["cells"] if c["role_name"] == role}


class Story:
    """Runs once per transport, see the two classes at the end."""
    tls = False

    def setUp(self):
        self.fleet = Fleet(tls=self.tls)
        self.addCleanup(lambda: self.fleet.close(keep=self.failed()))
        repository = self.fleet.repository.init()
        repository.write("web/index.html", "one\n")
        repository.write("web/app.js", "let x = 1\n")
        repository.write("api/main.py", "print(1)\n")
        repository.write("lib/util.py", "pass\n")
        repository.write("admin/panel.py", "pass\n")
        self.first = repository.commit("first")
        self.fleet.start()
        self.fleet.set_source()
        self.fleet.add_role("web", ["web"], "/srv/web")
        self.fleet.add_role("api", ["api", "lib"], "/srv/shared")
        self.fleet.add_role("admin", ["admin:admin"], "/srv/shared")
        for node in self.fleet.nodes:
            self.fleet.assign(node, "web")
        self.fleet.assign("node-2", "api", "admin")
        self.fleet.pull()

    def failed(self):
        outcome = self._outcome
        errors = getattr(outcome, "errors", None) or getattr(outcome.result, "errors", [])
        return bool(errors)

    def version(self, role, node):
        return cells(self.fleet, role)[node]["version"]

    def expect_tree(self, node, path, commit, prefix):
        self.assertEqual(tree_on_disk(self.fleet.on_disk(node, path)),
                         self.fleet.repository.tree(commit, prefix))

    def test_commit_plan_sync_drift_repair(self):
        fleet, repository = self.fleet, self.fleet.repository
        fleet.sync("web")
        for node in fleet.nodes:
            self.expect_tree(node, "/srv/web", self.first, "web/")
            self.assertEqual(self.version("web", node)["state"], "current")

        # A commit makes exactly the roles outdated whose files it touches, and deploys nothing.
        fleet.sync("api")
        repository.write("web/index.html", "two\n")
        second = repository.commit("second")
        pulled = fleet.pull()
        self.assertEqual(pulled["changed"], ["web"])
        self.assertEqual(self.version("web", "node-1")["state"], "outdated")
        self.assertEqual(self.version("api", "node-2")["state"], "current")
        self.expect_tree("node-1", "/srv/web", self.first, "web/")

        # Local files beside ours stay; a sync runs exactly the approved plan.
        own = fleet.on_disk("node-1", "/srv/web/.env")
        own.write_text("SECRET=1\n")
        plan = fleet.post("/api/code-sync/plan", {"roles": ["web"]})
        self.assertEqual({r["node"] for r in plan["rows"] if r["change"] != "none"}, set(fleet.nodes))
        self.assertEqual({r["files_changed"] for r in plan["rows"]}, {1})
        job = fleet.post("/api/code-sync/sync", {"plan_hash": plan["plan_hash"]})
        self.assertEqual(fleet.wait_for_job(job["job_id"])["state"], "succeeded")
        self.expect_tree("node-2", "/srv/web", second, "web/")
        self.assertEqual(own.read_text(), "SECRET=1\n")

        # The same plan again no longer holds, and says so.
        with self.assertRaises(Problem) as refused:
            fleet.post("/api/code-sync/sync", {"plan_hash": plan["plan_hash"]})
        self.assertEqual(refused.exception.status, 409)
        self.assertEqual(refused.exception.body["reason"], "plan_stale")

        # A hand edit is seen, named, repaired, and kept.
        edited = fleet.on_disk("node-3", "/srv/web/app.js")
        edited.write_text("let x = 666\n")
        drifted = eventually(lambda: self.version("web", "node-3")["state"] == "drifted"
                             and cells(fleet, "web")["node-3"], "node-3 drifts")
        self.assertEqual([d["path"] for d in drifted["drift"]], ["app.js"])
        job = fleet.sync("web", nodes=["node-3"])
        self.expect_tree("node-3", "/srv/web", second, "web/")
        saved = [s for t in job["tasks"] for s in t["saved"]]
        self.assertEqual([s["path"] for s in saved], ["app.js"])
        self.assertEqual(pathlib.Path(saved[0]["saved_as"]).read_text(), "let x = 666\n")

    def test_roles_on_one_target_keep_apart(self):
        fleet, repository = self.fleet, self.fleet.repository
        fleet.sync("api")
        fleet.sync("admin")
        repository.git("rm", "-rq", "api")
        repository.write("api/other.py", "print(2)\n")
        commit = repository.commit("api is rewritten")
        fleet.pull()
        fleet.sync("api")
        tree = tree_on_disk(fleet.on_disk("node-2", "/srv/shared"))
        expected = {p: v for p, v in repository.tree(commit).items()
                    if p.split(b"/")[0] in (b"api", b"lib", b"admin")}
        self.assertEqual(tree, expected)
        with self.assertRaises(Problem) as refused:
            fleet.add_role("greedy", ["lib:."], "/srv/shared/lib")
            fleet.assign("node-2", "greedy")
        self.assertEqual(refused.exception.status, 409)
        self.assertEqual(refused.exception.body["reason"], "ownership_overlap")

    def test_a_failing_command_rolls_back(self):
        fleet, repository = self.fleet, self.fleet.repository
        fleet.sync("web")
        fleet.add_role("web", ["web"], "/srv/web", post_sync_cmd=["sh", "check.sh"])
        repository.write("web/check.sh", "exit 3\n")
        repository.write("web/index.html", "broken\n")
        repository.commit("bad")
        fleet.pull()
        job = fleet.wait_for_job(fleet.start_sync("web"))
        self.assertIn(job["state"], ("failed", "rolled_back"))
        for task in job["tasks"]:
            self.assertEqual(task["state"], "rolled_back", task)
            self.assertEqual(task["reason"], "command_failed")
            self.assertIn("post_sync", [s["step"] for s in task["steps"] if s["reason"]])
        for node in fleet.nodes:
            self.expect_tree(node, "/srv/web", self.first, "web/")
            self.assertEqual(self.version("web", node)["commit"], self.first)


class PlainStory(Story, unittest.TestCase):
    tls = False


class TlsStory(Story, unittest.TestCase):
    tls = True


if __name__ == "__main__":
    unittest.main()
