# SPDX-License-Identifier: Apache-2.0
"""What the nodes find on themselves, and services that do not want the new release: nothing is broken
here but the role itself."""
from fault_story import FaultStory
from faulty_fleet import PORT, ROLE, TARGET


class ServiceFaults(FaultStory):
    def test_what_is_detected(self):
        fleet, web = self.fleet, self.fleet.web

        def see(**expected):
            fleet.wait_for_cell(ROLE, **expected)
        see(state="active", health="healthy", reason="")
        web.exec("systemctl", "stop", ROLE)
        see(state="inactive", reason="service_stopped")
        # The service fails until it is no longer started again.
        web.exec("systemctl", "start", ROLE)
        web.exec("mv", f"{TARGET}/serve.pl", f"{TARGET}/serve.away")
        web.write(f"/etc/systemd/system/{ROLE}.service.d/no-restart.conf",
                  "[Service]\nRestart=no\n")
        web.exec("systemctl", "daemon-reload")
        web.exec("systemctl", "restart", ROLE, check=False)
        see(state="inactive", health="failing", reason="service_failed")
        web.exec("mv", f"{TARGET}/serve.away", f"{TARGET}/serve.pl")
        web.exec("rm", "-r", f"/etc/systemd/system/{ROLE}.service.d")
        web.exec("systemctl", "daemon-reload")
        web.exec("systemctl", "restart", ROLE)
        see(state="active", health="healthy", reason="")
        # A role that listens elsewhere than it should, and one that is not here at all.
        try:
            fleet.set_role(health_check_port=PORT + 1)
            see(state="active", health="failing", reason="port_not_listening")
        finally:
            fleet.set_role()
        see(state="active", health="healthy", reason="")
        fleet.add_role("app-absent", ["service"], "/srv/app-absent")
        fleet.assign("web-1", "app-absent")
        fleet.wait_for_cell("app-absent", state="not_installed")
        fleet.unassign("app-absent")
        fleet.sync_again()

    def test_a_restart_that_fails_is_rolled_back(self):
        self.rolled_back("service_crashes", refuses="refuses-start")

    def test_health_that_fails_is_rolled_back(self):
        self.rolled_back("service_crashes", broken="die 'broken';")
        self.rolled_back("health_check_failed", broken="sleep 100000;")

    def rolled_back(self, reason, **how):
        fleet = self.fleet
        old, new = fleet.release(**how)
        job, ends = fleet.end(fleet.start_sync(ROLE), old, new)
        self.assert_ended(job, ("rolled_back", reason))
        self.assertEqual(ends, {"web-1": old, "web-2": old})
        fleet.release()
        fleet.sync_again()
