# SPDX-License-Identifier: Apache-2.0
"""What an agent does when nothing happens, counted instead of timed.

Seven roles are installed and the agent is traced (strace) while its heartbeats pass a relay. In ten
heartbeats it starts no process and no thread, writes, makes, renames, removes and syncs no file,
reads no managed file, and makes few calls of the kernel; each body stays under a kilobyte.
"""
import collections
import os
import pathlib
import re
import signal
import sys

from fleet import Fleet, eventually
from heartbeat_relay import Relay

ROLES = [f"role-{i}" for i in range(1, 8)]
BEATS = 10
# Of a heartbeat of seven roles, with the looks in between and that at the plugin directories. It
# was 150 to 200 when this was written.
MOST_CALLS = 400
# When a port of somebody else comes, its owner is looked for in all of /proc: not our doing.
SEARCH = {"readlinkat", "getdents64", "openat", "close"}
LINE = re.compile(r"^\d+ +(?:<\.\.\. )?(\w+)[( ]")
STARTS = {"clone", "clone3", "fork", "vfork", "execve", "execveat"}
CHANGES = {"rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir",
           "link", "linkat", "symlink", "symlinkat", "truncate", "ftruncate", "chmod", "fchmod",
           "fchmodat", "chown", "fchown", "fchownat", "fsync", "fdatasync", "syncfs", "msync"}


def set_up(fleet, relay, trace):
    for role in ROLES:
        for i in range(20):
            fleet.repository.write(f"{role}/f{i}", f"{role} {i}\n")
    fleet.repository.commit("seven")
    config = fleet.state / "server.toml"
    config.write_text(config.read_text() + "\n[nodes]\nheartbeat_interval_seconds = 1\n")
    fleet.start_server()
    node = fleet.nodes[0]
    fleet.configure_agent(node)
    fleet.join(node)
    agent = fleet.node_directory(node) / "agent.toml"
    agent.write_text(agent.read_text().replace(fleet.url, f"http://127.0.0.1:{relay.port}"))
    fleet.start_agent(node, prefix=["strace", "-f", "-qq", "-o", trace])
    fleet.wait_until_online()
    fleet.set_source("file")
    for role in ROLES:
        fleet.add_role(role, [role], f"/srv/{role}")
        fleet.assign(node, role)
    fleet.pull()
    for role in ROLES:
        fleet.sync(role)
    return node


def wait_until_quiet(relay):
    """Ten bodies in a row without a part of the report."""
    def quiet():
        return len(relay.heartbeats) > 10 and all(
            b'"role_report"' not in body and b"_changes" not in body for body in relay.heartbeats[-10:])
    eventually(quiet, "heartbeats in which nothing changes", 120)


def quiet_bodies(relay, first):
    """Those in which no port of somebody else on this machine has come or gone."""
    return [body for body in relay.heartbeats[first:] if b'"listening_ports":' not in body]


def calls(text):
    found = collections.Counter()
    for line in text.splitlines():
        match = LINE.match(line)
        if match and "resumed>" not in line:
            found[match.group(1)] += 1
    return found


def opened_for_writing(text):
    return [line for line in text.splitlines()
            if re.search(r"\bopen(at)?2?\(", line) and re.search(r"O_WRONLY|O_RDWR|O_CREAT", line)
            and '"/dev/' not in line]


def end_traced(tracer):
    """A tracer that is told to end lets its agent run on: the agent is ended, and so the tracer."""
    children = pathlib.Path(f"/proc/{tracer.pid}/task/{tracer.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGTERM)
    tracer.wait(30)


def main():
    with Fleet(agents=1) as fleet, Relay(fleet.port) as relay:
        fleet.repository.init()
        trace = fleet.directory / "trace"
        try:
            measure(fleet, relay, set_up(fleet, relay, trace), trace)
        finally:
            for tracer in fleet.agents.values():
                end_traced(tracer)


def measure(fleet, relay, node, trace):
    wait_until_quiet(relay)
    offset, first = trace.stat().st_size, len(relay.heartbeats)
    eventually(lambda: len(relay.heartbeats) >= first + BEATS and quiet_bodies(relay, first),
               "ten more heartbeats", 120)
    bodies = relay.heartbeats[first:]
    text = trace.read_bytes()[offset:].decode(errors="replace")
    found = calls(text)
    assert not STARTS & found.keys(), f"something was started: {found}"
    assert not CHANGES & found.keys(), f"files were changed: {found}"
    assert not opened_for_writing(text), opened_for_writing(text)[:5]
    managed = str(fleet.on_disk(node, "/srv"))
    read = [line for line in text.splitlines() if managed in line and "open" in line and "/f" in line]
    assert not read, f"files of roles were opened: {read[:5]}"
    largest = max(quiet_bodies(relay, first), key=len)
    each = sum(n for call, n in found.items() if call not in SEARCH) / len(bodies)
    print(f"{each:.0f} calls per heartbeat: {found.most_common(12)}; "
          f"{len(largest)} bytes")
    assert each < MOST_CALLS, f"{each:.0f} calls per heartbeat: {found.most_common()}"
    assert len(largest) < 1024, largest


if __name__ == "__main__":
    sys.exit(main())
