# SPDX-License-Identifier: Apache-2.0
"""Machines that were deployed by hand: a copied tree is recognised, adopted and brought up to date;
a lost or damaged record is never taken for "nothing installed" and is made anew from what is there;
every byte is read again on demand. What lies on the disk is compared with git's own words."""
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

from fleet import BIN, Fleet, Problem, eventually, tree_on_disk


class Identify(unittest.TestCase):
    def setUp(self):
        self.fleet = Fleet(agents=2)
        self.addCleanup(self.fleet.close)
        repository = self.fleet.repository.init()
        # The oldest commit has files that are gone later, at several places.
        for i in range(30):
            repository.write(f"web/page{i}.html", f"page {i}\n")
        repository.write("web/old/legacy.js", "legacy\n")
        repository.write("web/.env", "committed once by mistake\n")
        self.oldest = repository.commit("oldest")
        repository.git("rm", "-q", "web/old/legacy.js", "web/.env")
        repository.write("web/dropped.css", "soon gone\n")
        repository.write("web/run.sh", "#!/bin/sh\n", 0o755)
        self.deployed = repository.commit("what somebody copied")
        repository.write("web/page1.html", "page 1, newer\n")
        repository.write("web/page2.html", "page 2, newer\n")
        repository.git("rm", "-q", "web/dropped.css")
        repository.write("docs/readme", "not of the role\n")
        self.newest = repository.commit("newest")
        self.fleet.start()
        self.fleet.add_role("web", ["web"], "/srv/web")
        self.fleet.set_source()
        self.fleet.pull()
        self.web = self.fleet.on_disk("node-2", "/srv/web")

    def copy_by_hand(self, commit):
        """As an operator without rolesync does it."""
        repository = self.fleet.repository
        self.web.mkdir(parents=True)
        archive = repository.git("archive", commit, "web/", text=False)
        subprocess.run(["tar", "-x", "--strip-components=1", "-C", self.web], input=archive, check=True)

    def mess_up(self):
        (self.web / "page3.html").write_text("edited 3\n")
        (self.web / "page4.html").write_text("edited 4\n")
        (self.web / "page5.html").unlink()
        (self.web / "old").mkdir()
        (self.web / "old/legacy.js").write_text("legacy\n")          # a ghost
        (self.web / ".env").write_text("a secret of this machine\n")  # no ghost: no commit has it so
        (self.web / "node_modules").mkdir()
        (self.web / "node_modules/x.js").write_text("nobody's\n")

    def cell(self):
        cells = self.fleet.get("/api/status")["cells"]
        return next(c for c in cells if (c["node_id"], c["role_name"]) == ("node-2", "web"))

    def wait_for_version(self, state, reason=""):
        def reached():
            version = self.cell()["version"]
            return (version["state"], version["reason"]) == (state, reason) and self.cell()
        try:
            return eventually(reached, f"version {state} {reason}", 60)
        except AssertionError:
            self.fail(f"{state} {reason}: {self.cell()}\n{self.fleet.log('node-2')}")

    def identify(self):
        return self.fleet.post("/api/nodes/node-2/identify", {"role": "web"})["roles"][0]

    def adopt(self, **more):
        return self.fleet.post("/api/nodes/node-2/adopt", {"role": "web", **more})

    def cli(self, *arguments):
        return subprocess.run([BIN / "rolesync", *arguments], capture_output=True, text=True,
                              check=False, env={**os.environ, "ROLESYNC_URL": self.fleet.url,
                                                "ROLESYNC_TOKEN": self.fleet.token})

    def blocker(self, **options):
        plan = self.fleet.post("/api/code-sync/plan", {"roles": ["web"], "nodes": ["node-2"], **options})
        return plan, {b["reason"]: b for b in plan["rows"][0]["blockers"]}

    def expect_newest_beside(self, *strangers):
        tree = tree_on_disk(self.web)
        for path in strangers:
            self.assertIn(path.encode(), tree)
            del tree[path.encode()]
        self.assertEqual(tree, self.fleet.repository.tree(self.newest, "web/"))

    def test_a_tree_copied_by_hand_is_taken_over(self):
        self.copy_by_hand(self.deployed)
        self.mess_up()
        before = tree_on_disk(self.web)
        self.fleet.assign("node-2", "web")
        eventually(lambda: self.blocker()[1].get("target_not_empty"), "the files are reported")
        blocked = self.blocker()[1]["target_not_empty"]
        self.assertIn("rolesync node identify node-2 --role web", blocked["hint"])
        self.assertIn("adopt", blocked["hint"])
        self.assertIn("overlay", blocked["hint"])
        self.assertIn("not_identified", self.blocker(first_install="adopt")[1])

        found = self.identify()
        self.assertEqual(found["commit"], self.deployed, found)
        self.assertEqual({d["path"]: d["kind"] for d in found["differences"]},
                         {"page3.html": "edited", "page4.html": "edited", "page5.html": "missing",
                          "old/legacy.js": "ghost"})
        self.assertEqual(found["summary"], f"web = {self.deployed[:8]} + 2 changed files"
                                           " + 1 missing file + 1 ghost file")
        self.assertEqual(found["other_count"], 2)
        # Now the plan's blocker says it too; nothing on the disk was touched.
        self.assertIn(found["summary"], self.blocker()[1]["target_not_empty"]["hint"])
        self.assertEqual(tree_on_disk(self.web), before)
        said = self.cli("node", "identify", "node-2", "--role", "web")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn(found["summary"], said.stdout)

        said = self.cli("node", "adopt", "node-2", "--role", "web")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("3 files differ", said.stdout)
        self.assertEqual(tree_on_disk(self.web), before, "adopting changes no file")
        cell = self.wait_for_version("drifted", "files_differ")
        self.assertEqual(cell["version"]["commit"], self.deployed)
        self.assertEqual({d["path"]: d["kind"] for d in cell["drift"]},
                         {"page3.html": "changed", "page4.html": "changed", "page5.html": "removed"})
        with self.assertRaises(Problem) as again:
            self.adopt(commit=self.oldest)
        self.assertEqual(again.exception.body["reason"], "already_installed")

        plan = self.blocker()[0]
        row = plan["rows"][0]
        self.assertEqual((row["files_added"], row["files_changed"], row["files_removed"]), (0, 2, 2), row)
        self.assertEqual([f["path"] for f in plan["files"][0]["removed"]],
                         ["dropped.css", "old/legacy.js"])
        job = self.fleet.sync("web", nodes=["node-2"])
        self.expect_newest_beside(".env", "node_modules/x.js")
        self.assertFalse((self.web / "old").exists())
        self.assertEqual((self.web / ".env").read_text(), "a secret of this machine\n")
        saved = {s["path"]: pathlib.Path(s["saved_as"]).read_text()
                 for t in job["tasks"] for s in t["saved"]}
        self.assertEqual(saved, {"page3.html": "edited 3\n", "page4.html": "edited 4\n"})
        self.wait_for_version("current")

    def test_a_sync_adopts_or_overlays(self):
        self.copy_by_hand(self.deployed)
        self.mess_up()
        self.fleet.assign("node-2", "web")
        eventually(lambda: self.blocker()[1].get("target_not_empty"), "the files are reported")
        self.identify()
        plan, blockers = self.blocker(first_install="adopt")
        self.assertNotIn("not_identified", blockers)
        row = plan["rows"][0]
        self.assertEqual(row["from"]["commit"], self.deployed)
        self.assertEqual((row["files_changed"], row["files_removed"]), (2, 2), row)
        self.fleet.sync("web", nodes=["node-2"], first_install="adopt")
        self.expect_newest_beside(".env", "node_modules/x.js")
        self.wait_for_version("current")

    def test_overlay_leaves_what_it_does_not_replace(self):
        self.copy_by_hand(self.deployed)
        self.mess_up()
        self.fleet.assign("node-2", "web")
        eventually(lambda: self.blocker()[1].get("target_not_empty"), "the files are reported")
        job = self.fleet.sync("web", nodes=["node-2"], first_install="overlay")
        self.expect_newest_beside(".env", "node_modules/x.js", "dropped.css", "old/legacy.js")
        saved = {s["path"] for t in job["tasks"] for s in t["saved"]}
        self.assertEqual(saved, {f"page{i}.html" for i in (1, 2, 3, 4)})

    def test_a_lost_record_is_unknown_and_made_anew(self):
        self.fleet.assign("node-2", "web")
        self.fleet.sync("web", nodes=["node-2"])
        self.wait_for_version("current")
        state = self.fleet.on_disk("node-2", "/srv/.rolesync/web")
        before = tree_on_disk(self.web)
        shutil.rmtree(state)
        cell = self.wait_for_version("unknown", "state_missing")
        self.assertIn("identify", cell["version"]["hint"])
        # And it stays so when the agent starts anew.
        self.fleet.stop_agent("node-2", signal.SIGKILL)
        self.fleet.start_agent("node-2")
        self.wait_for_version("unknown", "state_missing")
        self.assertIn("state_missing", self.blocker()[1])
        self.assertEqual(self.identify()["summary"], f"web = {self.newest[:8]}")
        self.assertEqual(self.adopt()["drift_count"], 0)
        self.assertEqual(tree_on_disk(self.web), before)
        self.wait_for_version("current")

        # Damaged instead of lost: kept aside.
        (state / "marker").write_text("garbage")
        self.wait_for_version("unknown", "state_damaged")
        self.assertIn("state_damaged", self.blocker()[1])
        (self.web / "page7.html").write_text("edited meanwhile\n")
        adopted = self.adopt()
        self.assertEqual([d["path"] for d in adopted["drift"]], ["page7.html"])
        self.assertEqual((pathlib.Path(adopted["set_aside"]) / "marker").read_text(), "garbage")
        self.wait_for_version("drifted", "files_differ")
        self.fleet.sync("web", nodes=["node-2"])
        self.wait_for_version("current")

        # On demand every byte is read again, also where the stat tells nothing.
        said = self.cli("node", "verify", "node-2")
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertIn("every file as recorded", said.stdout)
        page = self.web / "page8.html"
        page.write_text("page X\n")
        self.wait_for_version("drifted", "files_differ")
        said = self.cli("node", "verify", "node-2", "--role", "web")
        self.assertEqual(said.returncode, 1, said.stdout + said.stderr)
        self.assertIn("page8.html", said.stdout)

    def test_clear_errors(self):
        fleet = self.fleet

        def reason(verb, node="node-2", **body):
            with self.assertRaises(Problem) as refused:
                fleet.post(f"/api/nodes/{node}/{verb}", {"role": "web", **body})
            return refused.exception.body["reason"]

        self.assertEqual(reason("identify", "node-9"), "unknown_node")
        self.assertEqual(reason("identify", role="nothing"), "unknown_role")
        self.assertEqual(reason("identify"), "nothing_there")
        self.assertEqual(reason("adopt"), "role_not_on_node")
        fleet.assign("node-2", "web")
        self.assertEqual(reason("verify"), "not_installed")
        self.web.mkdir(parents=True)
        self.assertEqual(reason("identify"), "not_identified")
        (self.web / "page1.html").write_text("nothing of yours\n")
        self.assertEqual(reason("adopt"), "not_identified")
        fleet.add_role("far", ["web"], "/elsewhere")
        self.assertEqual(reason("identify", role="far"), "path_not_allowed")
        fleet.put("/api/roles/other", {"role_name": "other", "source_paths": ["x"], "code_source": "second",
                                       "target_path": "/srv/other", "restart_strategy": "none"})
        self.assertEqual(reason("identify", role="other"), "no_commit_known")
        token = fleet.post("/api/join-tokens", {"node_id": "node-3"})["token"]
        fleet.post("/api/join", {"token": token, "node_id": "node-3"})  # and never heard of again
        self.assertEqual(reason("identify", "node-3"), "node_offline")


if __name__ == "__main__":
    unittest.main()
