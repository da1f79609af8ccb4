# SPDX-License-Identifier: Apache-2.0
"""Roles that run as systemd units, on machines that systemd runs: what is shown of them, restarts and
rollbacks, a restart left to the operator, lost power, a hardened agent. Needs root."""
import os
import signal
import time

import machines
from fleet import eventually
from machine_story import MachineStory

# The service of every role here: says the version of its files over HTTP, and notes which versions
# it found in its tree when it started.
SERVICE = """
use strict; use IO::Socket::INET;
my ($directory, $port) = @ARGV;
my %versions;
for my $path (glob "$directory/version $directory/parts/*") {
  open my $file, '<', $path or die; my $text = <$file>; chomp $text; $versions{$text} = 1;
}
open my $notes, '>>', "$directory/started.log" or die;
print $notes join(' ', sort keys %versions), "\\n"; close $notes;
BREAK
my $socket = IO::Socket::INET->new(LocalPort => $port, Listen => 9, ReuseAddr => 1) or die "port: $!";
while (my $client = $socket->accept) {
  while (my $line = <$client>) { last if $line =~ /^\\r?\\n/ }
  my $body = join ' ', sort keys %versions;
  print $client "HTTP/1.0 200 OK\\r\\nContent-Length: ", length $body, "\\r\\n\\r\\n$body";
  close $client;
}
"""
UNIT = """[Unit]
Description={name}
[Service]
ExecStart=/usr/bin/perl /srv/{name}/serve.pl /srv/{name} {port}
User=app
Restart=on-failure
[Install]
WantedBy=multi-user.target
"""


class SystemdStory(MachineStory):
    @classmethod
    def prepare(cls):
        fleet = cls.fleet
        cls.web.exec("useradd", "--system", "app")
        cls.write_release("one")
        cls.commit = cls.repository.commit("one")
        fleet.cli("node", "assign", "hub", "code-source")
        fleet.cli("source", "set", "--node", "hub", "--repository", cls.repository.path)
        fleet.cli("source", "pull")

    # -- what the stories are told with ----------------------------------------------------------

    @classmethod
    def write_release(cls, version, broken=""):
        cls.repository.write("service/serve.pl", SERVICE.replace("BREAK", broken))
        cls.repository.write("service/version", version + "\n")

    def release(self, version, broken=""):
        self.write_release(version, broken)
        commit = self.repository.commit(version)
        self.assertEqual(self.fleet.pull()["commit"], commit)
        return commit

    def add_role(self, name, port, sources=("service",), **fields):
        """A role whose unit is on the machine, as its administrator would have put it there."""
        self.web.write(f"/etc/systemd/system/{name}.service", UNIT.format(name=name, port=port))
        self.web.exec("systemctl", "daemon-reload")
        self.web.exec("systemctl", "enable", name)
        self.fleet.add_role(name, list(sources), f"/srv/{name}", **{
            "restart_strategy": "systemd", "systemd_service": name, "owner": "app",
            "auto_restart": True, "health_check_port": port, "health_check_path": "/", **fields})
        self.fleet.assign("web-1", name)

    def answer(self, port):
        """What the service on that port of web-1 says."""
        import http.client
        connection = http.client.HTTPConnection(self.web.address, port, timeout=10)
        try:
            connection.request("GET", "/")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def main_process(self, unit):
        facts = self.web.show(unit, "MainPID", "ExecMainStartTimestampMonotonic", "ActiveState")
        return facts["MainPID"], int(facts["ExecMainStartTimestampMonotonic"]), facts["ActiveState"]

    def task(self, job):
        return next(t for t in job["tasks"] if t["node_id"] == "web-1")

    # -- the stories -------------------------------------------------------------------------------

    def test_sync_restarts_the_unit_and_a_bad_commit_is_rolled_back(self):
        self.add_role("app-main", 8001)
        self.release("one")
        self.fleet.sync("app-main")
        self.assertEqual(self.answer(8001), "one")
        self.fleet.wait_for_cell("app-main", state="active", health="healthy", running="current")
        first = self.main_process("app-main")

        good = self.release("two")
        self.fleet.sync("app-main")
        second = self.main_process("app-main")
        self.assertNotEqual(first[0], second[0])
        self.assertGreater(second[1], first[1])
        self.assertEqual(self.answer(8001), "two")
        cell = self.fleet.wait_for_cell("app-main", running="current", state="active")
        self.assertEqual(cell["version"]["commit"], good)

        # It dies at once; systemd starts it again until that is too often.
        for broken, reasons in (("die 'broken';", ("unit_start_limit", "service_crashes")),
                                ("sleep 1000;", ("health_check_failed",)),
                                ("exit 0;", ("service_not_running",))):
            self.release("bad", broken)
            job = self.fleet.wait_for_job(self.fleet.start_sync("app-main"))
            task = self.task(job)
            self.assertEqual(task["state"], "rolled_back", job)
            self.assertIn(task["reason"], reasons, job)
            self.assertEqual(self.answer(8001), "two")
            cell = self.fleet.wait_for_cell("app-main", state="active", health="healthy",
                                            running="current")
            self.assertEqual(cell["version"]["commit"], good)

    def test_states_of_units(self):
        web, fleet = self.web, self.fleet
        program = "[Service]\nExecStart={}\n"
        units = {
            "app-failed.service": program.format("/bin/false"),
            "app-loop.service": program.format("/bin/sleep 0.2") + "Restart=always\n"
                                "[Unit]\nStartLimitIntervalSec=0\n",
            "../../../usr/lib/systemd/system/app-masked.service": program.format("/bin/true"),
            "app-invalid.service": "[Service]\nType=simple\n",
            "app-starting.service": program.format("/bin/sleep infinity") + "Type=notify\n",
            "app-once.service": program.format("/bin/true") + "Type=oneshot\nRemainAfterExit=yes\n",
            "app-socket.service": program.format("/bin/sleep infinity"),
            "app-socket.socket": "[Socket]\nListenStream=8009\n",
            "app-timer.service": program.format("/bin/true") + "Type=oneshot\n",
            "app-timer.timer": "[Timer]\nOnCalendar=yearly\n",
        }
        for name, text in units.items():
            web.write(f"/etc/systemd/system/{name}", text)
        web.exec("systemctl", "daemon-reload")
        web.exec("systemctl", "mask", "app-masked")
        web.exec("systemctl", "start", "--no-block", "app-failed", "app-loop", "app-starting",
                 "app-once", "app-socket.socket", "app-timer.timer")
        eventually(lambda: int(web.show("app-loop", "NRestarts")["NRestarts"]) >= 2, "it crashes")
        roles = sorted({name.split("/")[-1].split(".")[0] for name in units} | {"app-missing"})
        for role in roles:
            web.exec("mkdir", f"/srv/{role}")
            port = {"health_check_port": 8009} if role == "app-socket" else {}
            fleet.add_role(role, ["service"], f"/srv/{role}", restart_strategy="systemd",
                           systemd_service=role, **port)
        fleet.assign("web-1", *roles)
        expected = {
            "app-failed": ("inactive", "failing", "service_failed"),
            "app-loop": ("inactive", "failing", "service_crashes"),
            "app-masked": ("inactive", "unknown", "unit_masked"),
            "app-missing": ("inactive", "unknown", "unit_missing"),
            "app-invalid": ("inactive", "unknown", "unit_invalid"),
            "app-starting": ("inactive", "unknown", "service_starts"),
            "app-once": ("active", "healthy", ""),
            "app-socket": ("active", "healthy", "service_waits"),
            "app-timer": ("active", "healthy", "service_waits"),
        }
        for role, (state, health, reason) in expected.items():
            with self.subTest(role):
                fleet.wait_for_cell(role, state=state, health=health, reason=reason)
        notes = fleet.cli("status", "--node", "web-1")
        for reason in ("unit_masked", "service_crashes", "unit_missing"):
            self.assertIn(reason, notes)
        # Between its crashes it runs, and is not taken for healthy.
        for _ in range(20):
            self.assertEqual(self.fleet.cell("app-loop")["reason"], "service_crashes")
            eventually(lambda: self.main_process("app-loop")[2] == "active", "app-loop runs")
        web.exec("systemctl", "start", "app-socket.service")
        fleet.wait_for_cell("app-socket", state="active", reason="")
        web.exec("systemctl", "stop", "app-socket.socket", "app-socket.service", "app-once")
        fleet.wait_for_cell("app-socket", state="inactive", reason="service_stopped")
        fleet.wait_for_cell("app-once", state="inactive", reason="service_stopped")
        web.exec("systemctl", "stop", "app-loop", "app-starting", "app-timer.timer")

    def test_a_restart_left_to_the_operator(self):
        self.add_role("app-held", 8002, auto_restart=False)
        self.release("one")
        self.fleet.sync("app-held")
        self.web.exec("systemctl", "start", "app-held")
        self.fleet.wait_for_cell("app-held", running="current", health="healthy")

        self.release("two")
        job = self.fleet.sync("app-held")
        self.assertTrue(self.task(job)["restart_pending"], job)
        self.fleet.wait_for_cell("app-held", running="restart_pending")
        self.assertEqual(self.answer(8002), "one")
        self.web.exec("systemctl", "restart", "app-held")
        self.fleet.wait_for_cell("app-held", running="current")
        self.assertEqual(self.answer(8002), "two")

    def test_a_unit_file_that_comes_with_the_release(self):
        def release(text):
            self.repository.write("unit/app-unit.service", f"[Unit]\nDescription={text}\n"
                                  "[Service]\nExecStart=/bin/sleep infinity\n")
            self.repository.commit(text)
            self.fleet.pull()

        self.web.exec("mkdir", "-p", "/srv/app-unit")
        self.fleet.add_role("app-unit", ["unit"], "/srv/app-unit", restart_strategy="systemd",
                            systemd_service="app-unit", auto_restart=False)
        self.fleet.assign("web-1", "app-unit")
        release("one")
        self.fleet.sync("app-unit")
        self.web.exec("systemctl", "enable", "--now", "/srv/app-unit/app-unit.service")
        release("two")
        before = self.main_process("app-unit")
        self.fleet.sync("app-unit", restart="always")
        self.assertNotEqual(self.main_process("app-unit")[0], before[0])
        self.assertEqual(self.web.show("app-unit", "Description", "NeedDaemonReload"),
                         {"Description": "two", "NeedDaemonReload": "no"})

    def test_without_a_message_bus(self):
        self.add_role("app-nobus", 8003)
        self.release("one")
        self.fleet.sync("app-nobus")
        self.web.exec("systemctl", "stop", "dbus.socket", "dbus.service")
        try:
            self.release("two")
            self.fleet.sync("app-nobus")
            self.assertEqual(self.answer(8003), "two")
            self.web.exec("systemctl", "stop", "app-nobus")
            self.fleet.wait_for_cell("app-nobus", state="inactive", reason="service_stopped")
        finally:
            self.web.exec("systemctl", "start", "dbus.socket", "dbus.service")

    def test_the_agent_writes_only_where_its_unit_allows(self):
        self.web.exec("install", "-d", "-o", "app", "/opt/app")
        self.web.exec("runuser", "-u", "app", "--", "touch", "/opt/app/before")
        self.add_role("app-strict", 8004, post_sync_cmd=["sh", "-c", "! touch /opt/app/after"])
        self.release("one")
        self.fleet.sync("app-strict")
        self.assertEqual(self.answer(8004), "one")
        self.assertIn("sysfs", self.web.exec("cat", "/proc/mounts").stdout)

    def test_a_unit_that_must_not_run_during_the_switch(self):
        self.add_role("app-down", 8006, switch="stopped", pre_sync_cmd=["true"],
                      post_sync_cmd=["sh", "-c", "systemctl is-active app-down; test $? = 3"])
        self.release("one")
        self.fleet.sync("app-down")
        first = self.main_process("app-down")
        self.release("two")
        job = self.fleet.sync("app-down")
        self.assertEqual(self.answer(8006), "two")
        self.assertNotEqual(self.main_process("app-down")[0], first[0])
        self.assertIn("inactive", [s["output"].strip() for s in self.task(job)["steps"]], job)

    def test_commands_surround_the_restart_and_end_with_all_they_started(self):
        """Also with a daemon that forgot its environment: each command has a control group."""
        self.web.exec("install", "-o", "app", "/dev/null", "/srv/balancer")
        command = lambda word: ["sh", "-c", f"echo {word} $ROLESYNC_ACTION >>/srv/balancer"]
        self.add_role(
            "app-lb", 8010, drain_cmd=command("out"), undrain_cmd=command("in"),
            post_sync_cmd=["sh", "-c", "env -i setsid sleep 4711 >/dev/null 2>&1 & sleep 0.3"])
        balancer = lambda: self.web.exec("cat", "/srv/balancer").stdout.splitlines()
        self.release("one")
        job = self.fleet.sync("app-lb")
        self.assertEqual(self.answer(8010), "one")
        self.assertEqual(balancer(), ["out sync", "in sync"])
        outputs = [step["output"] for step in self.task(job)["steps"]]
        self.assertTrue(any("1 processes that it left running were ended" in o for o in outputs),
                        job)
        self.assertEqual(self.web.exec("pgrep", "-cf", "sleep 4711", check=False).stdout.strip(), "0")
        own = "/sys/fs/cgroup/system.slice/rolesync-agent.service"
        self.assertNotIn("rolesync-", self.web.exec("ls", own).stdout)

        self.release("bad", broken="die 'no';")
        job = self.fleet.wait_for_job(self.fleet.start_sync("app-lb"))
        self.assertEqual(self.task(job)["state"], "rolled_back", job)
        self.assertEqual(balancer()[2:], ["out sync", "in rollback"])
        self.release("good")

    def test_a_port_that_another_program_holds(self):
        self.add_role("app-squat", 8011, auto_restart=False, health_check_port=8012,
                      health_check_path="")
        self.release("one")
        self.fleet.sync("app-squat")
        self.web.exec("systemctl", "start", "app-squat")
        self.fleet.wait_for_cell("app-squat", state="active", health="failing",
                                 reason="port_not_listening")
        self.web.exec("systemd-run", "--unit=squatter", "perl", "-MIO::Socket::INET", "-e",
                      "my $s = IO::Socket::INET->new(LocalPort => 8012, Listen => 1); sleep 1000")
        self.fleet.wait_for_cell("app-squat", state="active", health="failing",
                                 reason="port_held_by_other")
        self.web.exec("systemctl", "stop", "squatter")

    def test_programs_of_roles_outlive_the_agent(self):
        self.web.exec("install", "-d", "-o", "app", "/srv/app-own")
        self.fleet.add_role(
            "app-own", ["service"], "/srv/app-own", restart_strategy="process", owner="app",
            health_check_port=8007, health_check_path="/", auto_restart=True,
            restart_options={"command": "perl /srv/app-own/serve.pl /srv/app-own 8007"})
        self.fleet.assign("web-1", "app-own")
        self.release("one")
        self.fleet.sync("app-own")
        program = ["pgrep", "-u", "app", "-f", "/srv/app-own/serve.pl"]
        pid = self.web.exec(*program).stdout
        before = self.main_process("rolesync-agent")
        self.web.exec("systemctl", "restart", "rolesync-agent")
        self.assertNotEqual(self.main_process("rolesync-agent")[0], before[0])
        self.assertEqual(self.web.exec(*program).stdout, pid)
        self.release("two")  # the new agent still knows which program it is
        self.fleet.wait_until_online()
        self.fleet.sync("app-own")
        self.assertEqual(self.answer(8007), "two")
        self.assertNotEqual(self.web.exec(*program).stdout, pid)

    def test_power_is_lost_in_the_middle_of_a_switch(self):
        self.add_role("app-power", 8005, ["power"])
        self.release_many_files("zero")
        self.fleet.sync("app-power")
        old, new = "zero", None
        for new in ("one", "two", "three", "four", "five"):
            commit = self.release_many_files(new)
            job_id = self.start_and_lose_power(new)
            if self.versions() == {old, new}:
                break
            # This machine was too busy to cut the power in time; the job may have ended.
            self.web.start().wait_until_up()
            self.fleet.wait_for_job(job_id)
            old = new
        self.assertEqual(self.versions(), {old, new}, "no switch was interrupted in its middle")

        self.web.start().wait_until_up()
        self.assertEqual(len(self.versions()), 1, "half a tree after the start")
        started = (self.web.root / "srv/app-power/started.log").read_text().splitlines()
        self.assertEqual([s for s in started if " " in s], [], "it started on half a tree")
        recovered = self.web.show("rolesync-recover", "ExecMainExitTimestampMonotonic", "Result")
        self.assertEqual(recovered["Result"], "success")
        self.assertLess(int(recovered["ExecMainExitTimestampMonotonic"]),
                        self.main_process("app-power")[1])
        job = self.fleet.wait_for_job(job_id)
        self.assertEqual(job["state"], "succeeded", job)
        self.assertEqual(self.versions(), {new})
        cell = self.fleet.wait_for_cell("app-power", state="active", running="current")
        self.assertEqual(cell["version"], {**cell["version"], "commit": commit, "state": "current"})
        self.assertEqual(self.answer(8005), new)

    PARTS = "srv/app-power/parts"

    def release_many_files(self, version):
        for i in range(1500):
            self.repository.write(f"power/parts/{i:04}", version + "\n")
        self.repository.write("power/serve.pl", SERVICE.replace("BREAK", ""))
        self.repository.write("power/version", version + "\n")
        commit = self.repository.commit(version)
        self.assertEqual(self.fleet.pull()["commit"], commit)
        return commit

    def versions(self):
        return {path.read_text().strip() for path in (self.web.root / self.PARTS).iterdir()}

    def start_and_lose_power(self, version):
        """Starts a sync and cuts the power when the first file is switched; the job's id."""
        agent = self.web.outside(self.web.show("rolesync-agent", "MainPID")["MainPID"])
        first = self.web.root / self.PARTS / "0000"
        before = first.stat().st_ino
        job_id = self.fleet.start_sync("app-power")
        deadline = time.monotonic() + 60
        while first.stat().st_ino == before and time.monotonic() < deadline:
            pass  # no pause: the switch takes a few milliseconds
        os.kill(agent, signal.SIGSTOP)
        self.web.kill()
        return job_id

    def test_a_commit_tells_the_server_which_then_loses_power(self):
        hub, repository = self.fleet.hub, self.repository
        hub.exec("install", "-o", "dev", "-m", "600", "/var/lib/rolesync/secrets/admin.token",
                 "/home/dev/token")
        hub.exec("install", "-o", "dev", "/var/lib/rolesync/secrets/ca.crt",
                 "/home/dev/ca.crt")
        repository.as_dev("env", f"ROLESYNC_URL={self.fleet.url}", "ROLESYNC_CA=/home/dev/ca.crt",
                          "ROLESYNC_TOKEN_FILE=/home/dev/token", "rolesync", "source",
                          "install-hook", "--repository", repository.path)
        try:
            commit = repository.commit("told by the hook")
            eventually(lambda: self.fleet.get("/api/status")["sources"][0]["commit"] == commit,
                       "the server knows of the commit")
        finally:
            repository.git("config", "core.hooksPath", "/nonexistent")
        hub.kill()
        hub.start().wait_until_up()
        eventually(self.fleet._answers, "the server answers again")
        self.assertEqual(self.fleet.get("/api/status")["sources"][0]["commit"], commit)
        self.fleet.wait_until_online()


if __name__ == "__main__":
    machines.main()
