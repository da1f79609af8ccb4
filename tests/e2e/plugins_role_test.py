# SPDX-License-Identifier: Apache-2.0
"""Plugins travel to nodes as a role of their own: a commit with a library, a sync in place, and
the running agent loads it; a newer one replaces it, a broken one does not."""
import os
import unittest

from fleet import BUILD, Fleet, eventually

MADE = BUILD / "tests" / "e2e" / "plugins"


class PluginsRole(unittest.TestCase):
    def setUp(self):
        self.fleet = Fleet(agents=1)
        self.node = self.fleet.nodes[0]
        self.addCleanup(lambda: self.fleet.close(keep=self.failed()))
        self.fleet.repository.init()
        self.fleet.repository.write("web/index.html", "one\n")
        self.commit(1)
        self.directory = self.fleet.on_disk(self.node, "/srv/plugins")
        self.fleet.start_server()
        self.fleet.configure_agent(self.node, self.fleet.repository.path,
                                   drop_in_dirs=[self.directory])
        self.fleet.join(self.node)
        self.fleet.start_agent(self.node)
        self.fleet.wait_until_online()
        self.fleet.set_source()
        # As docs/plugins.md defines it, but for the place.
        self.fleet.add_role("rolesync-plugins", ["plugins/"], "/srv/plugins",
                            activation="in_place", order=10)
        self.fleet.add_role("web", ["web/"], "/srv/web", detector="marker")
        self.fleet.assign(self.node, "rolesync-plugins", "web")
        self.fleet.pull()

    def failed(self):
        result = self._outcome.result
        return any(test is self for test, _ in result.errors + result.failures)

    def commit(self, version):
        library = (MADE / f"v{version}" / "marker.so").read_bytes() if version else b"no library\n"
        self.fleet.repository.write("plugins/marker.so", library)
        return self.fleet.repository.commit(f"plugins {version}")

    def marker(self):
        return next((p for p in self.fleet.get(f"/api/nodes/{self.node}")["plugins"]
                     if p["name"] == "marker"), {})

    def send(self, version):
        commit = self.commit(version)
        self.fleet.pull()
        eventually(lambda: self.fleet.get("/api/roles/rolesync-plugins")["latest"]["commit"]
                   == commit, "the commit is known")
        self.fleet.sync("rolesync-plugins")

    def test_a_sync_brings_plugins_that_the_running_agent_loads(self):
        agent = self.fleet.agents[self.node].pid
        rows = self.fleet.post("/api/code-sync/plan", {"roles": ["web"]})["rows"]
        self.assertIn("plugin_missing_on_node", [b["reason"] for b in rows[0]["blockers"]])
        self.assertEqual(os.stat(self.fleet.on_disk(self.node, "/srv")).st_mode & 0o022, 0)

        self.fleet.sync("rolesync-plugins")
        eventually(lambda: self.marker().get("version") == "1.0.0", "the agent loads version 1")
        self.assertTrue(self.marker()["path"].startswith(str(self.directory)))
        self.fleet.sync("web")

        self.send(2)
        eventually(lambda: self.marker().get("version") == "2.0.0", "version 2 replaces it")

        self.send(0)
        kept = eventually(lambda: self.marker().get("reason") == "replacement_refused"
                          and self.marker(), "the broken one is refused")
        self.assertEqual((kept["version"], kept["state"]), ("2.0.0", "ready"))
        self.assertIn("not_elf", kept["detail"])
        self.assertEqual(self.fleet.agents[self.node].pid, agent)
        self.assertIsNone(self.fleet.agents[self.node].poll())


if __name__ == "__main__":
    unittest.main(verbosity=2)
