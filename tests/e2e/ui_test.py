# SPDX-License-Identifier: Apache-2.0
"""The web UI in a real Chromium against a real server with three agents. The rig is made here; the
story is tests/e2e/ui/story.mjs, which drives the browser and, beside it, git and the nodes' disks.
Screenshots of every screen land in build/ui-screenshots/."""
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from fleet import BUILD, SOURCE, Fleet

NODE = os.environ.get("ROLESYNC_NODE", "node")


class UiStory(unittest.TestCase):
    def test_budget(self):
        """What a first visit loads at most: all scripts together, compressed."""
        scripts = list((BUILD / "web/assets").glob("*.js"))
        size = sum(len(gzip.compress(script.read_bytes(), 9)) for script in scripts)
        print(f"{len(scripts)} scripts, {size / 1000:.0f} kB compressed", file=sys.stderr)
        self.assertGreater(size, 50_000)
        self.assertLessEqual(size, 300_000)

    def test_story(self):
        self.assertTrue((BUILD / "web/index.html").exists(), "build/web is not built: script/build dev web")
        with Fleet() as fleet:
            repository = fleet.repository.init()
            for name in ("index.html", "app.js", "style.css"):
                repository.write(f"web/{name}", f"{name} one\n")
            repository.write("api/main.py", "print(1)\n")
            repository.write("docs/index.md", "# one\n")
            repository.commit("The first version")
            fleet.start()
            self.run_story(fleet)

    def run_story(self, fleet):
        world = {
            "url": fleet.url, "token": fleet.token, "nodes": fleet.nodes,
            "repository": str(fleet.repository.path), "drop_in": str(fleet.drop_in),
            "roots": {node: str(fleet.root(node)) for node in fleet.nodes},
            "screenshots": str(BUILD / "ui-screenshots"), "web": str(SOURCE / "server/web"),
            "cli": str(BUILD / "bin/rolesync"), "chromium": shutil.which("chromium") or "chromium",
            "server": {"pid": fleet.server.pid, "argv": [str(word) for word in fleet.server_argv()]},
        }
        with tempfile.TemporaryDirectory(prefix="rolesync-ui-") as home:
            done = subprocess.run(
                [NODE, str(SOURCE / "tests/e2e/ui/story.mjs")], input=json.dumps(world), text=True,
                env={**os.environ, "HOME": home}, stdout=sys.stderr, timeout=900, check=False)
        self.assertEqual(done.returncode, 0, "the browser's story failed; see above")


if __name__ == "__main__":
    unittest.main()
