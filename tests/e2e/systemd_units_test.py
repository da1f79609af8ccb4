# SPDX-License-Identifier: Apache-2.0
"""Restarts of every kind of unit there is, by the agent and without a sync: what comes back when a unit
does not start, or does not stay. Needs root."""
import json
import unittest

import machines
from fleet import eventually
from systemd_fleet import SystemdFleet

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"


def program(script, more="", unit=""):
    return f"[Unit]\n{unit}\n[Service]\nExecStart=/bin/sh -c '{script}'\n{more}\n"


# role: (unit file, restart_options, state, reason, words of the message)
TABLE = {
    "crash": (program("exit 3"), {}, "failed", "service_crashes", "exit status 3"),
    "crash-later": (program("sleep 1; exit 4"), {}, "failed", "service_crashes", "exit status 4"),
    "segfault": (program("kill -SEGV $$$$"), {}, "failed", "service_crashes", "SIGSEGV"),
    "gives-up": (program("exit 5", "Restart=always\nRestartSec=0"), {"settle_seconds": "20"},
                 "failed", "unit_start_limit", "systemd has given up: exit status 5"),
    "loops": (program("sleep 0.2; exit 6", "Restart=always\nRestartSec=0.2",
                      "StartLimitIntervalSec=0"), {},
              "failed", "service_crashes", "times within 3 s of its start: exit status 6"),
    "ends": (program("sleep 0.5"), {}, "failed", "service_not_running", "ended by itself"),
    "masked": (None, {}, "failed", "unit_masked", "is masked"),
    "missing": (None, {}, "failed", "unit_missing", "there is no unit app-missing.service"),
    "bad-file": ("[Service]\nType=simple\n", {}, "failed", "unit_invalid", "cannot use the unit file"),
    "needs": (program("exec sleep infinity", "",
                      "Requires=app-needed.service\nAfter=app-needed.service"), {},
              "failed", "unit_dependency_failed", "app-needed.service (failed) did not start"),
    "condition": (program("exec sleep infinity", "", "ConditionPathExists=/nowhere"), {},
                  "failed", "unit_condition_failed", "ConditionPathExists=/nowhere is not met"),
    "assert": (program("exec sleep infinity", "", "AssertPathExists=/nowhere"), {},
               "failed", "unit_assert_failed", "Assert"),
    "no-program": ("[Service]\nExecStart=/nowhere/program\n", {},
                   "failed", "service_crashes", "its program is missing or not executable"),
    "no-user": (program("exec sleep infinity", "User=nobody-at-all"), {},
                "failed", "service_crashes", "its User= is not known"),
    "never-ready": (program("exec sleep infinity", "Type=notify\nTimeoutStartSec=1"), {},
                    "failed", "unit_timeout", "TimeoutStartSec="),
    "too-slow": (program("exec sleep infinity", "Type=notify\nTimeoutStartSec=60"),
                 {"timeout_seconds": "1"}, "failed", "unit_timeout", "did not end within 1 s"),
    "never-said": (program("exit 0", "Type=notify"), {}, "failed", "unit_failed", "Type= promises"),
    "notify": (program("systemd-notify --ready; exec sleep infinity",
                       "Type=notify\nNotifyAccess=all"), {}, "succeeded", "", ""),
    "oneshot": (program("true", "Type=oneshot"), {}, "succeeded", "", ""),
    "oneshot-stays": (program("true", "Type=oneshot\nRemainAfterExit=yes"), {}, "succeeded", "", ""),
    "oneshot-fails": (program("exit 7", "Type=oneshot"), {},
                      "failed", "service_crashes", "exit status 7"),
    "forking": (program("sleep infinity & exit 0", "Type=forking"), {}, "succeeded", "", ""),
    "forking-dies": (program("(sleep 1; exit 8) & exit 0", "Type=forking"), {},
                     "failed", "service_crashes", "exit status 8"),
    "many": (None, {"instances": "a b"}, "succeeded", "", "all 2 units run"),
    "some": (None, {"instances": "good bad other"}, "failed", "service_crashes",
             "app-some@bad crashed within 3 s of its start: exit status 9 (result exit-code); "
             "app-some@other not restarted"),
    "each@": (None, {}, "succeeded", "", "all 2 units run"),
    "none@": (None, {}, "failed", "unit_missing", "no instance of app-none@ is there"),
    "reload": (SLEEP + "ExecReload=/bin/true\n", {"action": "reload"}, "succeeded", "", ""),
    "reload-fails": (SLEEP + "ExecReload=/bin/false\n", {"action": "reload"},
                     "failed", "unit_reload_failed", "runs on as it was"),
    "no-reload": (SLEEP, {"action": "reload"}, "failed", "unit_reload_unsupported", "ExecReload="),
    "idle-reload": (SLEEP + "ExecReload=/bin/true\n", {"action": "reload"},
                    "failed", "unit_reload_unsupported", "does not run"),
    "reload-or": (SLEEP, {"action": "reload-or-restart"}, "succeeded", "", ""),
    "left-alone": (SLEEP, {"action": "try-restart"}, "succeeded", "", "inactive"),
    "of-user": (None, {"user": "app"}, "succeeded", "", ""),
    "of-user-crash": (None, {"user": "app"}, "failed", "service_crashes", "exit status 11"),
    "of-idle-user": (None, {"user": "idle"}, "failed", "user_manager_missing", "idle"),
    "of-root": (None, {"user": "root"}, "failed", "unit_not_allowed", "user:root/app-of-root"),
}
# Units beside those of the table.
OTHERS = {
    "app-needed.service": program("exit 1", "Type=oneshot"),
    "app-many@.service": program("exec sleep infinity"),
    "app-each@.service": program("exec sleep infinity", "[Install]\nWantedBy=multi-user.target"),
    "app-none@.service": program("exec sleep infinity"),
    "app-some@.service": program("test %i != bad || exit 9; exec sleep infinity"),
    # Enough below /usr for systemctl mask, which wants the file's place in /etc free.
    "../../../usr/lib/systemd/system/app-masked.service": SLEEP,
}
USER_UNITS = {"app-of-user.service": SLEEP, "app-of-user-crash.service": program("exit 11")}
def name_of(role):
    """The name of a role of the table; one that ends with @ has a template as its service."""
    return "app-" + role.rstrip("@")


RUN_BEFORE = ("reload", "reload-fails", "no-reload", "reload-or")


class SystemdUnits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = SystemdFleet()
        cls.failed = False
        try:
            cls.prepare()
        except BaseException:
            cls.fleet.close(keep=True)
            raise

    @classmethod
    def prepare(cls):
        fleet, web = cls.fleet, cls.fleet.web
        cls.web = web
        web.exec("useradd", "--system", "--create-home", "app")
        web.exec("useradd", "--system", "idle")
        for name, text in {**{f"app-{role}.service": row[0] for role, row in TABLE.items() if row[0]},
                           **OTHERS}.items():
            web.write(f"/etc/systemd/system/{name}", text)
        cls.start_user_manager()
        web.exec("systemctl", "daemon-reload")
        web.exec("systemctl", "mask", "app-masked")
        web.exec("systemctl", "enable", "app-each@1", "app-each@two")
        web.exec("systemctl", "start", *(f"app-{role}" for role in RUN_BEFORE))
        for role, (_, options, *_) in TABLE.items():
            web.exec("mkdir", f"/srv/{name_of(role)}")
            fleet.add_role(name_of(role), ["service"], f"/srv/{name_of(role)}",
                           restart_strategy="systemd", systemd_service=f"app-{role}",
                           restart_options=options)
        fleet.assign("web-1", *map(name_of, TABLE))
        eventually(lambda: all(fleet.cell(name_of(role)).get("state") in ("active", "inactive",
                                                                          "unknown")
                               for role in TABLE), "all roles are reported", 60)

    @classmethod
    def start_user_manager(cls):
        """What `loginctl enable-linger app` does on a machine with libpam-systemd."""
        for name, text in USER_UNITS.items():
            cls.web.write(f"/etc/systemd/user/{name}", text)
        cls.web.write("/etc/systemd/system/user@.service.d/plain.conf",
                      "[Service]\nPAMName=\nEnvironment=XDG_RUNTIME_DIR=/run/user/%i\n")
        cls.web.exec("systemctl", "daemon-reload")
        uid = cls.web.exec("id", "-u", "app").stdout.strip()
        cls.web.exec("systemctl", "start", f"user@{uid}.service")

    @classmethod
    def tearDownClass(cls):
        cls.fleet.close(keep=cls.failed)

    def run(self, result=None):
        before = len(result.errors) + len(result.failures)
        super().run(result)
        type(self).failed |= len(result.errors) + len(result.failures) > before

    def end_of(self, action_id):
        def ended():
            action = self.fleet.get(f"/api/role-actions/{action_id}")
            return action if action["state"] in ("succeeded", "failed") else None
        return eventually(ended, f"{action_id} ends", 120)

    def restart(self, role):
        return self.fleet.post(f"/api/nodes/web-1/roles/{role}/restart")["action_id"]

    def main_pid(self, unit):
        return self.web.show(unit, "MainPID")["MainPID"]

    def test_what_comes_back(self):
        before = {role: self.main_pid(f"app-{role}") for role in RUN_BEFORE}
        ordered = {role: self.restart(name_of(role)) for role in TABLE}
        for role, (_, _, state, reason, words) in TABLE.items():
            with self.subTest(role):
                action = self.end_of(ordered[role])
                self.assertEqual((action["state"], action["reason"]), (state, reason), action)
                self.assertIn(words, action["message"])
                if state == "failed":
                    self.assertRegex(action["message"], r"\(.+\)$", "it says what to do")
        for role in ("reload", "reload-fails", "no-reload"):
            self.assertEqual(self.main_pid(f"app-{role}"), before[role])
        self.assertNotEqual(self.main_pid("app-reload-or"), before["reload-or"])
        self.assertEqual(self.web.show("app-left-alone", "ActiveState")["ActiveState"], "inactive")
        self.fleet.wait_for_cell("app-oneshot", state="active", reason="service_finished")
        self.fleet.wait_for_cell("app-many", state="active", health="healthy")
        self.fleet.wait_for_cell("app-some", state="inactive", health="failing")
        self.fleet.wait_for_cell("app-each", state="active", health="healthy")
        self.fleet.wait_for_cell("app-none", state="inactive", reason="unit_missing")
        self.assertNotEqual(self.main_pid("app-each@two"), "0")
        # One of them is stopped: the role is as well as the worst.
        self.web.exec("systemctl", "stop", "app-each@1")
        self.fleet.wait_for_cell("app-each", state="inactive", reason="service_stopped")
        self.fleet.wait_for_cell("app-of-user", state="active", health="healthy")
        self.fleet.wait_for_cell("app-of-idle-user", state="unknown", reason="user_manager_missing")
        self.assertNotEqual(self.main_pid("app-many@a"), "0")
        self.assertEqual(self.main_pid("app-some@other"), "0")
        self.fleet.wait_for_cell("app-gives-up", state="inactive", reason="unit_start_limit")

    def test_a_restart_that_a_sync_left_to_the_operator(self):
        fleet, repository = self.fleet, self.fleet.repository
        fleet.cli("node", "assign", "hub", "code-source")
        fleet.cli("source", "set", "--node", "hub", "--repository", repository.path)
        repository.write("pending/file", "one\n")
        repository.commit("one")
        fleet.cli("source", "pull")
        self.web.write("/etc/systemd/system/app-pending.service", SLEEP)
        self.web.exec("systemctl", "daemon-reload")
        fleet.add_role("app-pending", ["pending"], "/srv/app-pending", restart_strategy="systemd",
                       systemd_service="app-pending", auto_restart=False)
        fleet.assign("web-1", "app-pending")
        fleet.pull()  # a role that is new has its content only when the commit was read for it
        fleet.sync("app-pending")
        self.assertIn("is not installed on hub", self.refused("hub", "app-pending"))
        fleet.cli("node", "start", "web-1", "app-pending", "--wait")
        repository.write("pending/file", "two\n")
        repository.commit("two")
        fleet.pull()
        fleet.sync("app-pending")
        fleet.wait_for_cell("app-pending", running="restart_pending")
        pid = self.main_pid("app-pending")
        action = json.loads(fleet.cli("-o", "json", "node", "restart", "web-1", "app-pending",
                                      "--wait"))
        self.assertEqual(action["state"], "succeeded", action)
        self.assertNotEqual(self.main_pid("app-pending"), pid)
        fleet.wait_for_cell("app-pending", running="current", state="active")
        pid = self.main_pid("app-pending")
        fleet.cli("role", "restart", "app-pending")
        self.assertNotEqual(self.main_pid("app-pending"), pid)
        # Without a change there is nothing to restart for.
        pid = self.main_pid("app-pending")
        fleet.sync("app-pending")
        self.assertEqual(self.main_pid("app-pending"), pid)
        fleet.cli("node", "stop", "web-1", "app-pending", "--wait")
        fleet.wait_for_cell("app-pending", state="inactive", reason="service_stopped")

    def refused(self, node, role):
        self.fleet.assign(node, role)
        try:
            return self.fleet.hub.exec("rolesync", "node", "restart", node, role, "--wait",
                                       check=False).stderr
        finally:
            assigned = self.fleet.get(f"/api/nodes/{node}/roles")["assigned"]
            self.fleet.put(f"/api/nodes/{node}/roles", {"roles": [r for r in assigned if r != role]})


if __name__ == "__main__":
    machines.main()
