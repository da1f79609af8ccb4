# SPDX-License-Identifier: Apache-2.0
"""Two servers on one PostgreSQL and 200 simulated agents that talk to either.

What is changed through one is seen at the other: roles, nodes, commits, events, commands. A server
is killed in the middle of a job: the other ends it, every task ran once. A server that stops hands
its jobs over. On one SQLite file the second server does not start.
"""
import collections
import http.client
import json
import signal
import subprocess
import sys
import threading

from fleet import Fleet, eventually
from simulated import SimulatedFleet
from two_servers import TwoServers

NODES = 200


class Follower:
    """The events of one server, as a browser gets them."""

    def __init__(self, fleet):
        self.events = []
        self.connection = http.client.HTTPConnection("127.0.0.1", fleet.port, timeout=120)
        self.connection.request("GET", "/api/events",
                                headers={"Authorization": f"Bearer {fleet.token}"})
        self.stream = self.connection.getresponse()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        number = None
        try:
            for line in self.stream:
                field, _, text = line.decode().strip().partition(": ")
                if field == "id":
                    number = int(text)
                elif field == "data":
                    self.events.append((number, json.loads(text)))
        except (OSError, ValueError, http.client.HTTPException):
            pass

    def has(self, **wanted):
        return any(all(event.get(field) == value for field, value in wanted.items())
                   for _, event in self.events)


def names(count=NODES):
    return [f"sim-{i + 1:05}" for i in range(count)]


def what_one_changes_the_other_sees(fleet):
    fleet.repository.init()
    fleet.repository.write("web/index.html", "<p>one</p>\n")
    commit = fleet.repository.commit("one")
    with fleet.through("b"):
        at_b = Follower(fleet)
    fleet.set_source("file")
    fleet.add_role("web", ["web"], "/srv/web")
    fleet.pull()
    with fleet.through("b"):
        eventually(lambda: fleet.get("/api/roles/web"), "the role is known to b")
        eventually(lambda: fleet.get("/api/roles/web").get("latest", {}).get("commit") == commit,
                   "b has fetched the commit into its own mirror")
        assert any((fleet.state / "mirrors").glob("*.git")), "b has a mirror of its own"
    eventually(lambda: at_b.has(type="commit_imported", commit=commit), "b tells of it")
    return at_b


def everybody_is_served(fleet, at_b):
    for node in names():
        with fleet.through("a" if node.endswith(("0", "1", "2", "3", "4")) else "b"):
            fleet.put(f"/api/nodes/{node}/roles", {"roles": ["web"]})
    for name in ("a", "b"):
        with fleet.through(name):
            eventually(lambda: sum(node["state"] == "online"
                                   for node in fleet.get("/api/nodes")["nodes"]) == NODES,
                       f"{name} sees all nodes online", 60)
    job = fleet.wait_for_job(fleet.start_sync("web"), 120)
    assert job["state"] == "succeeded", job["message"]
    with fleet.through("b"):
        assert fleet.job(job["job_id"])["state"] == "succeeded"
        eventually(lambda: at_b.has(type="job_changed", job_id=job["job_id"], state="succeeded"),
                   "b tells of the end of a job that a has run")
    numbers = [number for number, _ in at_b.events]
    assert numbers == sorted(set(numbers)), "every event once, in order"


def change(fleet, text):
    fleet.repository.write("web/index.html", text)
    commit = fleet.repository.commit(text)
    fleet.pull()
    for name in ("a", "b"):
        with fleet.through(name):
            eventually(lambda: fleet.get("/api/roles/web")["latest"]["commit"] == commit,
                       f"{name} has the commit", 60)
    return commit


def once(simulated):
    counted = collections.Counter((kind, task) for _, _, kind, task in simulated.deliveries())
    return {key: count for key, count in counted.items() if count > 1}


def a_killed_server_loses_no_job(fleet, simulated):
    change(fleet, "two")
    before = simulated.counts()["succeeded"]
    job_id = fleet.start_sync("web")
    eventually(lambda: sum(kind == "stage" for _, _, kind, _ in simulated.deliveries()) > NODES + 20,
               "the job is under way", 60)
    fleet.stop_one("a", signal.SIGKILL)
    with fleet.through("b"):
        job = fleet.wait_for_job(job_id, 180)
        assert job["state"] == "succeeded", job
        ended = collections.Counter(task["state"] for task in job["tasks"])
        assert ended == {"succeeded": NODES}, ended
    assert simulated.counts()["succeeded"] == before + NODES, simulated.counts()
    assert not once(simulated), once(simulated)
    fleet.start_one("a")


def a_stopping_server_hands_over(fleet, simulated):
    change(fleet, "three")
    before = simulated.counts()["succeeded"]
    seen = len(simulated.deliveries())
    with fleet.through("b"):
        job_id = fleet.start_sync("web")
    eventually(lambda: len(simulated.deliveries()) > seen + 20, "the job is under way", 60)
    fleet.stop_one("b")
    job = fleet.wait_for_job(job_id, 120)
    assert job["state"] == "succeeded", job
    assert simulated.counts()["succeeded"] == before + NODES, simulated.counts()
    assert not once(simulated), once(simulated)
    fleet.start_one("b")


def sqlite_is_for_one_server():
    with Fleet(agents=0) as fleet:
        fleet.repository.init()
        fleet.start_server()
        second = subprocess.run([*map(str, fleet.server_argv()), "--listen", "127.0.0.1:0"],
                                capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 1, second
        assert "another rolesync-server uses" in second.stderr, second.stderr
        assert fleet.request("GET", "/readyz")[0] == 200


def main():
    sqlite_is_for_one_server()
    with TwoServers() as fleet:
        fleet.start_servers()
        at_b = what_one_changes_the_other_sees(fleet)
        with SimulatedFleet(fleet, nodes=NODES, work_ms=150) as simulated:
            simulated.wait_until_settled()
            everybody_is_served(fleet, at_b)
            a_killed_server_loses_no_job(fleet, simulated)
            a_stopping_server_hands_over(fleet, simulated)


if __name__ == "__main__":
    sys.exit(main())
