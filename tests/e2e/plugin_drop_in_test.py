# SPDX-License-Identifier: Apache-2.0
"""A role, a detector, a deployer and a restart strategy come to a running server and running
agents as files: dropped in, used by a sync, replaced by newer versions, and removed. Nothing is
restarted, and nothing is deployed by itself."""
import os
import pathlib
import unittest

from fleet import BUILD, Fleet, Problem, eventually, tree_on_disk

MADE = BUILD / "tests" / "e2e" / "plugins"


def drop(plugin, version, directory):
    """As an operator would who renames into place."""
    incoming = pathlib.Path(directory) / ".incoming"
    incoming.write_bytes((MADE / f"v{version}" / f"{plugin}.so").read_bytes())
    incoming.chmod(0o644)
    os.rename(incoming, pathlib.Path(directory) / f"{plugin}.so")


class DropIn(unittest.TestCase):
    def setUp(self):
        self.fleet = Fleet(agents=2)
        self.addCleanup(lambda: self.fleet.close(keep=self.failed()))
        repository = self.fleet.repository.init()
        # Large enough that it takes a deployer to bring it.
        repository.write("shop/index.html", "one\n")
        repository.write("shop/stock.bin", os.urandom(3 << 20))
        repository.write("site/page.html", "page one\n")
        self.first = repository.commit("first")
        self.fleet.start()
        self.fleet.set_source()
        self.fleet.add_role("site", ["site/"], "/srv/site")
        self.fleet.pull()
        self.processes = self.pids()

    def failed(self):
        result = self._outcome.result
        return any(test is self for test, _ in result.errors + result.failures)

    def pids(self):
        return [self.fleet.server.pid, *(agent.pid for agent in self.fleet.agents.values())]

    def agents_directories(self):
        return [self.fleet.node_directory(node) / "plugins" for node in self.fleet.nodes]

    def reported(self, node, name):
        """The plugin as the node reports it, or an empty object."""
        return next((p for p in self.fleet.get(f"/api/nodes/{node}")["plugins"]
                     if p["name"] == name), {})

    def on_server(self, name):
        return next((p for p in self.fleet.get("/api/plugins")["plugins"] if p["name"] == name), {})

    def wait_for(self, name, version, where=None):
        def there():
            found = [self.on_server(name)] if where is None else [self.reported(where, name)]
            return all(p.get("version") == version and p["state"] == "ready" for p in found)
        eventually(there, f"{name} {version} on {where or 'the server'}")

    def rows(self):
        return self.fleet.post("/api/code-sync/plan", {"roles": ["shop"]})["rows"]

    def blockers(self):
        return {b["message"] for row in self.rows() for b in row["blockers"]
                if b["reason"].startswith("plugin_missing")}

    def cell(self, node):
        return next(c for c in self.fleet.get("/api/status")["cells"]
                    if c["role_name"] == "shop" and c["node_id"] == node)

    def expect_synced(self, commit):
        for node in self.fleet.nodes:
            self.assertEqual(tree_on_disk(self.fleet.on_disk(node, "/srv/shop")),
                             self.fleet.repository.tree(commit, "shop/"))

    def test_dropped_in_used_replaced_and_removed(self):
        self.dropped_in()
        self.used()
        self.replaced()
        self.removed()
        self.assertEqual(self.processes, self.pids(), "nobody was restarted")
        self.assertTrue(all(p.poll() is None
                            for p in [self.fleet.server, *self.fleet.agents.values()]))

    def dropped_in(self):
        for plugin in ("shop", "local_copy"):
            drop(plugin, 1, self.fleet.drop_in)
            self.wait_for(plugin, "1.0.0")
        self.assertTrue(self.on_server("shop")["isolated"])
        eventually(lambda: self.fleet.request("GET", "/api/roles/shop")[0] == 200, "the role")
        for node in self.fleet.nodes:
            self.fleet.assign(node, "shop", "site")
        eventually(lambda: self.fleet.get("/api/roles/shop")["latest"], "its content is known")

        # The nodes lack three of them: the plan names each, and nothing is sent there.
        missing = self.blockers()
        for what in ("deployer local_copy", "detector marker", "restart_strategy counting"):
            for node in self.fleet.nodes:
                self.assertTrue(any(what in m and node in m for m in missing), (what, missing))
        status, problem = self.fleet.request("POST", "/api/code-sync/roles/shop/sync",
                                             {"approve": True})
        self.assertEqual((status, problem["reason"]), (409, "plan_blocked"))
        self.assertIn("local_copy", problem["detail"])

        for directory in self.agents_directories():
            for plugin in ("local_copy", "marker", "counting"):
                drop(plugin, 1, directory)
        for node in self.fleet.nodes:
            for plugin in ("local_copy", "marker", "counting"):
                self.wait_for(plugin, "1.0.0", node)
        self.assertEqual(self.blockers(), set())

    def used(self):
        self.fleet.sync("shop")
        self.expect_synced(self.first)
        for node in self.fleet.nodes:
            cell = eventually(lambda node=node: self.settled(node, 1), "detected by version 1")
            self.assertEqual(cell["version"]["state"], "current")
            self.assertEqual(cell["running"], "current")
        self.assertGreater(self.on_server("local_copy")["calls"], 0, "the new deployer was used")

    def settled(self, node, version):
        cell = self.cell(node)
        return cell if cell["state"] == "active" and cell["reason"] == f"seen_by_{version}" else None

    def replaced(self):
        calls = self.on_server("local_copy")["calls"]
        old = self.fleet.get("/api/roles/shop")["role_revision"]
        for plugin in ("shop", "local_copy"):
            drop(plugin, 2, self.fleet.drop_in)
        for directory in self.agents_directories():
            for plugin in ("local_copy", "marker", "counting"):
                drop(plugin, 2, directory)
        for node in self.fleet.nodes:
            for plugin in ("local_copy", "marker", "counting"):
                self.wait_for(plugin, "2.0.0", node)
            eventually(lambda node=node: self.settled(node, 2), "detected by version 2")
        eventually(lambda: self.fleet.get("/api/roles/shop")["role_revision"] != old,
                   "a newer role plugin makes a new revision")
        jobs = self.fleet.get("/api/sync-jobs")["jobs"]
        self.assertEqual(len(jobs), 1, "which waits for a plan")
        for node in self.fleet.nodes:
            self.assertEqual(self.cell(node)["version"]["reason"], "settings_changed")

        self.fleet.repository.write("shop/index.html", "two\n")
        self.fleet.repository.write("shop/stock.bin", os.urandom(3 << 20))
        second = self.fleet.repository.commit("second")
        self.fleet.pull()
        eventually(lambda: self.fleet.get("/api/roles/shop")["latest"]["commit"] == second,
                   "the second commit")
        self.assertEqual({row["change"] for row in self.rows()}, {"both"})
        self.fleet.sync("shop")
        self.expect_synced(second)
        after = self.on_server("local_copy")
        self.assertEqual(after["version"], "2.0.0")
        self.assertGreater(after["calls"], 0, f"the new version was used (before: {calls})")

    def removed(self):
        for directory in self.agents_directories():
            (directory / "marker.so").unlink()
        for node in self.fleet.nodes:
            eventually(lambda node=node: not self.reported(node, "marker"), "the node lost marker")
            cell = eventually(lambda node=node: self.cell(node)["state"] == "unknown"
                              and self.cell(node), "nobody can detect it")
            self.assertEqual(cell["reason"], "plugin_missing")
        self.assertTrue(any("detector marker" in m for m in self.blockers()))
        self.assertRaises(Problem, self.fleet.start_sync, "shop")

        (self.fleet.drop_in / "shop.so").unlink()
        eventually(lambda: self.fleet.request("GET", "/api/roles/shop")[0] == 404, "the role is gone")
        self.fleet.sync("site")
        for node in self.fleet.nodes:
            self.assertEqual(tree_on_disk(self.fleet.on_disk(node, "/srv/site")),
                             self.fleet.repository.tree("HEAD", "site/"), "others go on")
            self.assertTrue(self.fleet.on_disk(node, "/srv/shop/index.html").exists(),
                            "the files stay")


if __name__ == "__main__":
    unittest.main(verbosity=2)
