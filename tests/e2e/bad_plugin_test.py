# SPDX-License-Identifier: Apache-2.0
"""Every deliberately bad plugin, dropped into a running server and a running agent: both say the
right reason, the server's health answers at once, the node stays online, and a good role is synced
meanwhile. Which fault is whose stands in the first comment of tests/bad_plugins/<name>."""
import os
import pathlib
import shutil
import stat
import subprocess
import time
import unittest

from fleet import BIN, BUILD, Fleet, eventually, tree_on_disk

MADE = BUILD / "tests" / "bad_plugins"
SOURCES = pathlib.Path(__file__).resolve().parents[1] / "bad_plugins"
HEALTH_SECONDS = 0.25  # the best of a few tries: this machine may be busy with other tests

# Cannot be loaded, for this reason.
REFUSED = {
    "aborts_at_load": "probe_crashed", "crashes_in_create": "probe_crashed",
    "descriptor_no_json": "invalid_descriptor", "describe_fails": "describe_failed",
    "duplicate_id": "duplicate_id", "entry_no_pointer": "probe_crashed",
    "exits_at_load": "probe_silent", "future_abi": "abi_unsupported",
    "hangs_in_describe": "probe_timeout", "invalid_descriptor": "invalid_descriptor",
    "no_entry": "entry_missing", "null_entry": "entry_missing", "refuses_create": "create_failed",
    "short_entry": "entry_incomplete", "throws_at_load": "load_failed",
    "unknown_need": "invalid_descriptor", "unresolved_symbol": "symbol_unresolved",
    "wrong_magic": "wrong_magic",
}
# Loads, and ends its child when it is called: the reason of the fault.
FAULTY = {
    "answers_deep_json": "plugin_fault", "answers_no_json": "plugin_fault",
    "crashes_in_call": "plugin_fault", "eats_memory_in_call": "plugin_memory",
    "exits_in_call": "plugin_fault", "floods_log": "plugin_flood", "floods_stdout": "plugin_flood",
    "grows_memory": "plugin_memory", "hangs_in_call": "plugin_timeout",
    "throws_exception": "plugin_fault", "throws_int": "plugin_fault",
}
# Loads, and answers a call with an error: the reason that the role shows.
FAILING = {
    "answers_text": "plugin_fault", "calls_undeclared_service": "service_not_declared",
    "create_is_transient": "transient",
    "errors_without_text": "failed", "unknown_status": "failed",
}
# Harms nobody but itself: it is served from its child.
CONTAINED = ["changes_directory", "changes_signal_handlers", "changes_umask",
             "crashes_on_thousandth_call", "leaves_thread", "no_fault", "prints_in_call",
             "prints_while_loading"]
# Is no plugin for nodes: the server asks it for its role.
ROLES = {"role_crashes": "plugin_fault"}
# The rest has faults that `rolesync plugin check` looks for, and that no call of these stories
# meets: they may be used or refused, but nobody else may suffer.
MADE_FOR_CHECKS = {path.stem for path in SOURCES.glob("*.c*") if not path.stem.endswith("_test")
                   } - {*REFUSED, *FAULTY, *FAILING, *CONTAINED, *ROLES}


def library(name="no_fault"):
    return (MADE / f"{name}.so").read_bytes()


def not_elf(path):
    path.write_bytes(b"#!/bin/sh\necho hello\n")


def empty(path):
    path.write_bytes(b"")


def truncated(path):
    path.write_bytes(library()[:2000])


def wrong_architecture(path):
    content = bytearray(library())
    content[18:20] = b"\x28\x00"  # ELF e_machine
    path.write_bytes(content)


def world_writable(path):
    path.write_bytes(library())
    path.chmod(0o666)


def symlink(path):
    path.symlink_to(MADE / "no_fault.so")


FILES = {not_elf: "not_elf", empty: "file_empty", truncated: "elf_truncated",
         wrong_architecture: "wrong_architecture", world_writable: "writable_by_others",
         symlink: "symlink_refused"}


class BadPlugins(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = fleet = Fleet(agents=1)
        cls.addClassCleanup(fleet.close)
        cls.node = fleet.nodes[0]
        fleet.repository.init()
        fleet.repository.write("good/page.html", "0\n")
        fleet.repository.write("bad/page.html", "0\n")
        fleet.repository.commit("first")
        with open(fleet.state / "server.toml", "a", encoding="utf-8") as config:
            config.write("\n[plugins]\nchild_memory_mb = 64\n")
        fleet.start_server()
        fleet.configure_agent(cls.node, fleet.repository.path, settings=["detect_seconds = 1"],
                              sections=["[plugins]", "child_memory_mb = 64"])
        fleet.join(cls.node)
        fleet.start_agent(cls.node)
        fleet.wait_until_online()
        fleet.set_source()
        fleet.add_role("good", ["good/"], "/srv/good")
        fleet.add_role("suspect", ["bad/"], "/srv/bad", detector="bad")
        fleet.assign(cls.node, "good", "suspect")
        fleet.pull()
        cls.directories = [fleet.drop_in, fleet.node_directory(cls.node) / "plugins"]
        for directory in cls.directories:  # what duplicate_id repeats
            shutil.copy(BUILD / "tests" / "samples" / "v1" / "sample.so", directory)
            (directory / "sample.so").chmod(0o644)
        cls.processes = [fleet.server, fleet.agents[cls.node]]

    def drop(self, name, make=None):
        for directory in self.directories:
            path = directory / f"{name}.so"
            if make:
                make(path)
                continue
            incoming = directory / ".incoming"
            incoming.write_bytes(library(name))
            incoming.chmod(stat.S_IRUSR | stat.S_IRGRP)
            os.rename(incoming, path)
        self.addCleanup(self.remove, name)

    def remove(self, name):
        for directory in self.directories:
            (directory / f"{name}.so").unlink()
        eventually(lambda: not self.on_node(name) and not self.on_server(name), f"{name} is gone")

    def found(self, plugins, name):
        return next((p for p in plugins if p["path"].endswith(f"/{name}.so")
                     and str(self.fleet.directory) in p["path"]), {})

    def on_server(self, name):
        return self.found(self.fleet.get("/api/plugins")["plugins"], name)

    def on_node(self, name):
        return self.found(self.fleet.get(f"/api/nodes/{self.node}")["plugins"], name)

    def suspect(self):
        return next(c for c in self.fleet.get("/api/status")["cells"] if c["role_name"] == "suspect")

    def expect_state(self, name, state, reason):
        for where in (self.on_server, self.on_node):
            plugin = eventually(lambda where=where: where(name).get("state") and where(name),
                                f"{name} is reported")
            self.assertEqual((plugin["state"], plugin["reason"]), (state, reason), plugin["detail"])
            self.assertTrue(state == "ready" or len(plugin["detail"]) > 20, plugin["detail"])

    def serving(self):
        """Meanwhile: prompt health, the node online, and a good role synced."""
        def seconds():
            begin = time.monotonic()
            self.assertEqual(self.fleet.request("GET", "/healthz")[0], 200)
            return time.monotonic() - begin
        self.assertLess(min(seconds() for _ in range(5)), HEALTH_SECONDS)
        self.assertEqual(self.fleet.get(f"/api/nodes/{self.node}")["state"], "online")
        self.fleet.repository.write("good/page.html", f"{time.monotonic_ns()}\n")
        commit = self.fleet.repository.commit("another")
        self.fleet.pull()
        eventually(lambda: self.fleet.get("/api/roles/good")["latest"]["commit"] == commit, "pull")
        self.fleet.sync("good")
        self.assertEqual(tree_on_disk(self.fleet.on_disk(self.node, "/srv/good")),
                         self.fleet.repository.tree(commit, "good/"))
        self.assertTrue(all(p.poll() is None for p in self.processes), "nobody died")

    def test_there_are_enough_and_all_are_made(self):
        named = {*REFUSED, *FAULTY, *FAILING, *CONTAINED, *ROLES, *MADE_FOR_CHECKS}
        self.assertEqual(named - {path.stem for path in MADE.glob("*.so")}, set())
        self.assertGreaterEqual(len(named) + len(FILES), 24)

    def test_those_made_for_checks(self):
        for name in sorted(MADE_FOR_CHECKS):
            with self.subTest(name):
                self.drop(name)
                for where in (self.on_server, self.on_node):
                    eventually(lambda name=name, where=where: where(name).get("state"), name)
                self.serving()
                self.doCleanups()

    def test_refused(self):
        for name, reason in REFUSED.items():
            with self.subTest(name):
                self.drop(name)
                self.expect_state(name, "failed", reason)
                self.serving()
                self.doCleanups()

    def test_files_that_are_none(self):
        for make, reason in FILES.items():
            with self.subTest(make.__name__):
                self.drop(make.__name__, make)
                self.expect_state(make.__name__, "failed", reason)
                self.serving()
                self.doCleanups()

    def test_faulty_in_a_call(self):
        for name, reason in FAULTY.items():
            with self.subTest(name):
                self.drop(name)
                eventually(lambda name=name: self.on_node(name), f"{name} is reported")
                self.serving()  # while it is called, and perhaps hangs
                fault = eventually(lambda name=name: self.on_node(name).get("last_fault"),
                                   f"{name} fails", 60)
                self.assertEqual(fault["reason"], reason, fault["message"])
                cell = eventually(lambda: self.suspect()["reason"].startswith("plugin_")
                                  and self.suspect()["reason"] != "plugin_missing"
                                  and self.suspect(), f"the role of {name} shows it")
                self.assertEqual(cell["state"], "unknown")
                self.assertTrue(cell["detail"].startswith("plugin fault: "), cell)
                held = eventually(lambda name=name: self.on_node(name)["state"] == "quarantined"
                                  and self.on_node(name), f"{name} is quarantined", 90)
                self.assertEqual(held["reason"], "plugin_quarantined")
                self.doCleanups()

    def cli(self, *words):
        done = subprocess.run([BIN / "rolesync", "plugin", *words], capture_output=True, text=True,
                              check=False, env={"ROLESYNC_URL": self.fleet.url, "PATH": "/usr/bin",
                                                "ROLESYNC_TOKEN": self.fleet.token})
        return done.returncode, done.stdout + done.stderr

    def test_an_operator_sees_it_and_lifts_the_quarantine(self):
        name = "crashes_in_call"
        self.drop(name)
        held = lambda: self.on_node(name)["state"] == "quarantined"
        eventually(lambda: self.on_node(name) and held(), "quarantined", 60)
        code, text = self.cli("list", "--node", self.node)
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"bad +1\.0\.0 .*quarantined +isolated +1\.0 +detector bad")
        code, text = self.cli("show", "bad", "--node", self.node)
        self.assertIn("signal 11", text)
        self.assertIn("faults: 3", text)
        self.assertEqual(self.cli("unquarantine", "bad")[0], 5, "on the server it is not held")
        code, text = self.cli("unquarantine", "bad", "--node", self.node)
        self.assertEqual(code, 0, text)
        eventually(lambda: self.on_node(name)["faults"] > 3, "it is called again")
        eventually(held, "and fails again", 60)
        shown = self.fleet.get("/api/plugins/bad")
        self.assertEqual([plugin["node_id"] for plugin in shown["nodes"]], [self.node])

    def test_failing_calls(self):
        for name, reason in FAILING.items():
            with self.subTest(name):
                self.drop(name)
                self.expect_state(name, "ready", "")
                eventually(lambda reason=reason: self.suspect()["reason"] == reason,
                           f"the role of {name} shows {reason}")
                self.assertEqual(self.suspect()["state"], "unknown")
                self.serving()
                self.assertEqual(self.on_node(name)["faults"], 0, "an error is no fault")
                self.doCleanups()

    def test_contained(self):
        for name in CONTAINED:
            with self.subTest(name):
                self.drop(name)
                self.expect_state(name, "ready", "")
                eventually(lambda: self.suspect()["reason"] == "fine", f"{name} is served")
                self.serving()
                self.doCleanups()

    def test_a_role_that_crashes(self):
        for name, reason in ROLES.items():
            self.drop(name)
            fault = eventually(lambda name=name: self.on_server(name).get("last_fault"), name)
            self.assertEqual(fault["reason"], reason)
            self.assertIn("signal 6", self.fleet.get("/api/roles/crashing")["error"])
            self.serving()


if __name__ == "__main__":
    unittest.main(verbosity=2)
