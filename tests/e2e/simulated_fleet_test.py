# SPDX-License-Identifier: Apache-2.0
"""The simulated fleet against a real server with TLS: what other tests of many nodes build on.

200 nodes join and wait; one sync reaches all of them and ends succeeded. In a second fleet exactly
one node in ten fails: its job ends with exact totals, and what is recorded is what the nodes say.
In a third some nodes vanish in the middle and come back, and some are found to have drifted.
"""
import collections
import os
import sys

from fleet import Fleet, eventually
from simulated import SimulatedFleet

NODES = 200


def assign_all(fleet, role, nodes):
    for node in nodes:
        fleet.put(f"/api/nodes/{node}/roles", {"roles": [role]})


def names(prefix, nodes):
    return [f"{prefix}{i + 1:05}" for i in range(nodes)]


def states(fleet, job):
    return collections.Counter(task["state"] for task in fleet.job(job)["tasks"])


def all_succeed(fleet):
    nodes = names("good-", NODES)
    with SimulatedFleet(fleet, "good", nodes=NODES, prefix="good-") as simulated:
        simulated.wait_until_settled()
        assign_all(fleet, "web", nodes)
        job = fleet.wait_for_job(fleet.start_sync("web"), 120)
        assert job["state"] == "succeeded", job["message"]
        assert states(fleet, job["job_id"]) == {"succeeded": NODES}, states(fleet, job["job_id"])
        counts = simulated.counts()
        assert counts["succeeded"] == NODES and counts["failed"] == counts["refused"] == 0, counts
        assert {task[1] for task in simulated.deliveries()} == set(nodes)
        again = fleet.wait_for_job(fleet.start_sync("web"), 120)
        assert again["reason"] == "nothing_to_do", again


def some_fail(fleet):
    nodes = names("bad-", NODES)
    options = dict(nodes=NODES, prefix="bad-", failing=10, fail_at="health", slow=5, slow_ms=600)
    with SimulatedFleet(fleet, "bad", **options) as simulated:
        simulated.wait_until_settled()
        assign_all(fleet, "web", nodes)
        job = fleet.start_sync("web", nodes=nodes, on_failure="continue")
        job = fleet.wait_for_job(job, 120)
        assert job["state"] == "partly_failed", job["message"]
        ended = states(fleet, job["job_id"])
        assert ended == {"succeeded": NODES * 9 // 10, "rolled_back": NODES // 10}, ended
        counts = simulated.counts()
        assert counts["rolled_back"] == NODES // 10, counts
        deployed = sum("web" in fleet.get(f"/api/nodes/{node}")["role_versions"] for node in nodes)
        assert deployed == NODES * 9 // 10, deployed


def some_come_back(fleet):
    nodes = names("odd-", 40)
    options = dict(nodes=40, prefix="odd-", vanishing=10, vanish_ms=700, drifting=20)
    with SimulatedFleet(fleet, "odd", **options) as simulated:
        simulated.wait_until_settled()
        assign_all(fleet, "web", nodes)
        job = fleet.wait_for_job(fleet.start_sync("web", nodes=nodes), 120)
        assert job["state"] == "succeeded", job["message"]
        assert simulated.counts()["gone"] == 4, simulated.counts()

        def drifted():
            roles = [role for node in nodes for role in fleet.get(f"/api/nodes/{node}")["roles"]]
            return sum(role["version"]["state"] == "drifted" for role in roles)
        eventually(lambda: drifted() == 8, "one node in five has drifted")


def main():
    # In memory where it can be: what is tested is not the disk.
    directory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with Fleet(agents=0, tls=True, directory=directory) as fleet:
        fleet.repository.init()
        fleet.repository.write("web/index.html", "<p>one</p>\n")
        fleet.repository.commit("one")
        fleet.start_server()
        fleet.set_source("file")
        fleet.add_role("web", ["web"], "/srv/web")
        fleet.pull()
        all_succeed(fleet)
        some_fail(fleet)
        some_come_back(fleet)


if __name__ == "__main__":
    sys.exit(main())
