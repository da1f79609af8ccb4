# SPDX-License-Identifier: Apache-2.0
"""Three machines and one role with every step that a sync can have, each of which a story can hold
for as long as it likes: that is where it lets something go wrong.

`hub` has server and repository; `web-1` and `web-2` run the role `app-fault` as a systemd unit. A step
is held by a gate, a file that a program of that step waits for: the role's commands, its unit's start,
its service before it listens, and rsync."""
import contextlib
import random

from fleet import Problem, eventually
from invariants import Invariants
from systemd_fleet import SystemdFleet

ROLE = "app-fault"
TARGET = f"/srv/{ROLE}"
PORT = 8101
GATES = "srv/gates"
# Of web-1: megabytes. One for roles, one for what the agent writes down for itself.
SMALL_DISKS = {"/small": 24, "/var/lib/rolesync-agent": 24}
# Every step in which web-1 can be held, in the order of a sync; then the way back.
STEPS = ("staging", "staged", "activating", "post_sync", "restart", "health", "rolling_back")

GATE = f"""#!/bin/sh
# gate NAME: waits as long as a story keeps that gate shut.
[ -e /{GATES}/$1.shut ] || exit 0
: >/{GATES}/$1.reached
while [ -e /{GATES}/$1.shut ]; do sleep 0.05; done
"""
COMMAND = """#!/bin/sh
# The role's commands. A release with a file `refuses` does not want to be installed.
[ "$ROLESYNC_ACTION" != rollback ] || { gate rolling_back; exit 0; }
gate "$1"
[ "$1" != post_sync ] || [ ! -e refuses ]
"""
RSYNC = """#!/bin/sh
gate staging
exec /usr/bin/rsync "$@"
"""
# Says the version of its files over HTTP, and notes which versions it found when it started.
SERVICE = f"""
use strict; use IO::Socket::INET;
my ($directory, $port) = @ARGV;
my %versions;
for my $path (glob "$directory/version $directory/parts/0*") {{
  open my $file, '<', $path or die; my $text = <$file>; chomp $text; $versions{{$text}} = 1;
}}
open my $notes, '>>', "$directory/started.log" or die;
print $notes join(' ', sort keys %versions), "\\n"; close $notes;
BREAK
system '/usr/local/bin/gate', 'health';
my $socket = IO::Socket::INET->new(LocalPort => $port, Listen => 9, ReuseAddr => 1) or die "port: $!";
while (my $client = $socket->accept) {{
  while (my $line = <$client>) {{ last if $line =~ /^\\r?\\n/ }}
  my $body = join ' ', sort keys %versions;
  print $client "HTTP/1.0 200 OK\\r\\nContent-Length: ", length $body, "\\r\\n\\r\\n$body";
  close $client;
}}
"""
UNIT = f"""[Unit]
Description={ROLE}
StartLimitIntervalSec=0
[Service]
ExecStartPre=/usr/local/bin/gate restart
ExecStartPre=/bin/sh -c '! test -e {TARGET}/refuses-start'
ExecStart=/usr/bin/perl {TARGET}/serve.pl {TARGET} {PORT}
User=app
Restart=on-failure
RestartSec=1
TimeoutStopSec=5
[Install]
WantedBy=multi-user.target
"""
STRANGERS = {".env": "SECRET=1\n", "parts/local.log": "beside files that change\n",
             "logs/access": "in a directory of nobody\n"}


class FaultyFleet(SystemdFleet):
    nodes = ("hub", "web-1", "web-2")
    webs = nodes[1:]
    roots = ("/srv", "/small")
    health_seconds = 12

    def __init__(self, parts=60):
        self.parts = parts
        self.number = 0
        super().__init__()
        try:
            self._prepare()
        except BaseException:
            self.close(keep=True)
            raise

    def _before_start(self):
        for path, megabytes in SMALL_DISKS.items():
            self.web.disk(path, megabytes)

    def _prepare(self):
        for name in self.webs:
            machine = self.machines[name]
            machine.exec("useradd", "--system", "app")
            for path, text in (("gate", GATE), ("role-command", COMMAND), ("rsync", RSYNC)):
                machine.write(f"/usr/local/bin/{path}", text, 0o755)
            machine.write(f"/etc/systemd/system/{ROLE}.service", UNIT)
            machine.exec("install", "-d", "-m", "1777", f"/{GATES}")
            machine.exec("systemctl", "daemon-reload")
            machine.exec("systemctl", "enable", ROLE)
        self.commit = self.write_release()
        self.cli("node", "assign", "hub", "code-source")
        self.cli("source", "set", "--node", "hub", "--repository", self.repository.path)
        self.pull()
        self.set_role()
        for name in self.webs:
            self.assign(name, ROLE)
        self.sync(ROLE)
        for name in self.webs:
            for path, text in STRANGERS.items():
                self.machines[name].write(f"{TARGET}/{path}", text)
        self.watched = Invariants(self, ROLE, "service/", TARGET, self.webs, unit=ROLE)
        self.watched.remember(self.commit)

    def set_role(self, **different):
        self.add_role(ROLE, ["service"], TARGET, **{
            "restart_strategy": "systemd", "systemd_service": ROLE, "owner": "app",
            "auto_restart": True, "health_check_port": PORT, "health_check_path": "/",
            "pre_sync_cmd": ["/usr/local/bin/role-command", "activating"],
            "post_sync_cmd": ["/usr/local/bin/role-command", "post_sync"], **different})

    def start_sync(self, role, **options):
        """Waits for a role that was just changed: its content is worked out first."""
        def started():
            try:
                return super(FaultyFleet, self).start_sync(role, **options)
            except Problem as problem:
                if problem.body.get("reason") not in ("plan_blocked", "plan_stale"):
                    raise
                return None
        return eventually(started, f"the plan of {role} is not blocked", 60)

    def unassign(self, role, node="web-1"):
        """Takes a role off and deletes it."""
        current = self.get(f"/api/nodes/{node}/roles")["assigned"]
        self.put(f"/api/nodes/{node}/roles", {"roles": [r for r in current if r != role]})
        self._expect("DELETE", f"/api/roles/{role}")

    def wait_for_version(self, state, node="web-1"):
        eventually(lambda: self.cell(ROLE, node)["version"]["state"] == state,
                   f"{node} shows {state}", 60)

    # -- releases ----------------------------------------------------------------------------------

    def write_release(self, payload=False, refuses="", broken=""):
        """Commits the next version: of two shapes turn by turn, so that files come and go. `payload`: with
        bytes too many for a pack, which rsync has to bring. `refuses`: a file at which a step fails.
        `broken`: what the service does instead of its work."""
        self.number += 1
        write, git = self.repository.write, self.repository.git
        if self.number > 1:
            git("rm", "-rq", "service")
        version = f"v{self.number}\n"
        for i in range(self.parts):
            write(f"service/parts/{i:04}", version)
        write("service/version", version)
        write("service/serve.pl", SERVICE.replace("BREAK", broken))
        write("service/same", "the same\n")
        write(f"service/only-{self.number % 2}/deep/file", version)
        write("service/turns" + ("/into" if self.number % 2 else ""), version)
        if payload:
            write("service/payload", random.randbytes(5 << 20))
        if refuses:
            write(f"service/{refuses}", "")
        return self.repository.commit(version)

    def release(self, **how):
        """Commits and lets the server know; (the release before, this one)."""
        before, self.commit = self.commit, self.write_release(**how)
        eventually(self._answers, "the server answers", 60)
        self.wait_until_online()
        assert self.pull()["commit"] == self.commit
        return before, self.commit

    # -- gates -------------------------------------------------------------------------------------

    def _gate(self, node, name):
        return self.machines[node].root / GATES / name

    def shut(self, name, node="web-1"):
        self._gate(node, f"{name}.reached").unlink(missing_ok=True)
        self._gate(node, f"{name}.shut").touch()

    def open_gates(self):
        for node in self.webs:
            for gate in self._gate(node, "").glob("*.shut"):
                gate.unlink()

    def wait_for_gate(self, name, node="web-1", seconds=60):
        eventually(self._gate(node, f"{name}.reached").exists, f"{node} is in step {name}", seconds)

    def held_in(self, step):
        """Starts a sync and returns when web-1 is in that step, and stays there until open_gates();
        (job id, old commit, new commit)."""
        self.wait_until_online()
        payload = step in ("staging", "staged")
        old, new = self.release(payload=payload, refuses="refuses" if step == "rolling_back" else "")
        if step == "staged":  # all wait for the last one
            self.shut("staging", "web-2")
        else:
            self.shut(step)
        job_id = self.start_sync(ROLE)
        if step == "staged":
            self.wait_for_gate("staging", "web-2")
            eventually(lambda: self.task(self.job(job_id))["state"] == "staged", "web-1 has staged", 60)
        else:
            self.wait_for_gate(step)
        return job_id, old, new

    # -- what became of it ---------------------------------------------------------------------------

    def task(self, job, node="web-1"):
        return next(t for t in job["tasks"] if t["node_id"] == node)

    def end(self, job_id, *commits, seconds=150, **more):
        """Waits for the end of a job and checks everything that must hold; (job, {node: commit})."""
        self.open_gates()
        eventually(self._answers, "the server answers", 60)
        job = self.wait_for_job(job_id, seconds)
        return job, self.watched.check(job, *commits, **more)

    def sync_again(self):
        """Whatever happened: the next sync brings all to the newest release."""
        eventually(self._answers, "the server answers", 60)
        self.wait_until_online()
        job = self.wait_for_job(self.start_sync(ROLE), 120)
        assert job["state"] == "succeeded", job
        ends = self.watched.check(job, self.commit)
        for node in self.webs:
            assert ends[node] == self.commit, ends
        self.check_starts()

    def check_starts(self):
        """The service never started on files of two releases."""
        for node in self.webs:
            log = self.machines[node].root / TARGET.lstrip("/") / "started.log"
            mixed = [s for s in log.read_text().splitlines() if " " in s]
            assert not mixed, f"{node} started on half a tree: {mixed}"

    def heal_everything(self):
        """For the end of a story that went wrong: gates open, networks whole, machines up."""
        with contextlib.suppress(Exception):
            self.open_gates()
        for machine in self.rig.machines:
            with contextlib.suppress(Exception):
                if not machine.leader():
                    machine.start().wait_until_up()
                machine.heal()
