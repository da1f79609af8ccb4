# SPDX-License-Identifier: Apache-2.0
"""Syncs this repository's own history, and commits with everything git can hold, to three nodes.
After each step every node's tree is compared with `git ls-tree` of that commit."""
import os
import subprocess
import unittest

from fleet import Fleet, GIT_ENVIRONMENT, SOURCE, tree_on_disk

OWN_COMMITS = 8


def unusual_commits(repository):
    """Yields commits that together hold what file systems and git make possible."""
    repository.write("odd/plain", "1\n")
    repository.write("odd/with space", "2\n")
    repository.write("odd/line\nbreak", "3\n")
    repository.write("odd/gr\u00fc\u00dfe \U0001f600", "4\n")
    repository.write("odd/-e sh", "5\n")
    repository.write("odd/empty", "")
    repository.write("odd/tool", "#!/bin/sh\n", 0o755)
    repository.write("odd/zeros", bytes(300_000))
    os.symlink("plain", repository.path / "odd/link")
    yield repository.commit("names, modes and a symlink")

    repository.git("mv", "odd/with space", "odd/renamed file")
    repository.write("odd/tool", "#!/bin/sh\n", 0o644)
    repository.write("odd/plain", "1\n", 0o755)
    yield repository.commit("a rename and two mode changes")

    repository.git("rm", "-q", "odd/link", "odd/line\nbreak")
    repository.write("odd/link", "a file now\n")
    repository.write("odd/line\nbreak/inside", "a directory now\n")
    yield repository.commit("a symlink becomes a file, a file becomes a directory")

    repository.git("rm", "-rq", "odd/line\nbreak")
    repository.write("odd/line\nbreak", "a file again\n")
    repository.write("odd/zeros", bytes(299_000) + b"x" * 1000)
    yield repository.commit("a directory becomes a file, a large file changes a little")

    repository.git("rm", "-rq", "odd")
    yield repository.commit("all of it goes")


class History(unittest.TestCase):
    shown = tree = None  # the commit that nodes show, and its tree

    def test_every_commit_arrives_exactly(self):
        with Fleet() as fleet:
            repository = fleet.repository
            subprocess.run(["git", "clone", "-q", "--no-hardlinks", SOURCE, repository.path],
                           env=GIT_ENVIRONMENT, check=True)
            own = repository.git("rev-list", "--first-parent", f"-{OWN_COMMITS}", "HEAD").split()
            repository.git("checkout", "-q", "-B", "main", own[-1])
            fleet.start()
            fleet.set_source()
            fleet.add_role("everything", ["."], "/srv/everything")
            for node in fleet.nodes:
                fleet.assign(node, "everything")
                local = fleet.on_disk(node, "/srv/everything.env")
                local.write_text("ours\n")

            for commit in reversed(own):
                repository.git("reset", "-q", "--hard", commit)
                self.arrives(fleet, commit)
            for commit in unusual_commits(repository):
                self.arrives(fleet, commit)
            repository.git("reset", "-q", "--hard", own[-1])  # a force-push, as the server sees it
            self.arrives(fleet, own[-1])

    def arrives(self, fleet, commit):
        self.assertEqual(fleet.pull()["commit"], commit)
        fleet.sync("everything")
        expected = fleet.repository.tree(commit)
        # A commit that changes no file, such as a merge, has nothing to be synced for.
        if expected != self.tree:
            self.shown, self.tree = commit, expected
        for node in fleet.nodes:
            tree = tree_on_disk(fleet.on_disk(node, "/srv/everything"))
            self.assertEqual(tree, expected, f"{node} at {commit}")
        for cell in fleet.get("/api/status")["cells"]:
            if cell["role_name"] == "everything":
                self.assertEqual(cell["version"]["commit"], self.shown)
                self.assertEqual(cell["version"]["state"], "current")


if __name__ == "__main__":
    unittest.main()
