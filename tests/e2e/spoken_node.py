# SPDX-License-Identifier: Apache-2.0
"""A node whose agent is spoken by a test, word by word, where the timing must be the test's."""
from fleet import eventually


class Node:
    """What an agent says, by hand: the timing must be the test's."""

    def __init__(self, fleet, name="n1"):
        self.fleet, self.name, self.sequence, self.acknowledged = fleet, name, 0, []
        token = fleet.post("/api/join-tokens", {"node_id": name})["token"]
        status, joined = fleet.request("POST", "/api/join", {
            "token": token, "node_id": name, "agent_version": "0.1.0", "hostname": name,
            "boot_id": "boot-1"}, token="none")
        assert status == 201, joined
        self.credential = joined["credential"]

    def send(self, path, body):
        return self.fleet.request("POST", f"/api/nodes/{self.name}/{path}", body, self.credential)

    def beat(self):
        """The commands that are offered now."""
        self.sequence += 1
        plugins = [{"name": "all", "version": "1.0.0", "sha256": "", "state": "ready", "reason": "",
                    "provides": [{"kind": "deployer", "id": "rsync_component"},
                                 {"kind": "detector", "id": "path_service_port"},
                                 {"kind": "restart_strategy", "id": "none"}]}]
        status, answer = self.send("heartbeat?wait=0", {
            "sequence": self.sequence, "boot_id": "boot-1", "agent_version": "0.1.0",
            "definitions_etag": "", "acknowledged": self.acknowledged,
            "role_report": {"app": {"state": "not_installed", "path_exists": False}},
            "listening_ports": [], "plugins": plugins,
            "os_info": {"system": "Linux", "hostname": self.name}})
        assert status in (200, 204), answer
        return answer["commands"] if status == 200 else []

    def command(self, kind):
        def offered():
            return next((c for c in self.beat() if c["kind"] == kind), None)
        return eventually(offered, f"a command {kind} is offered")

    def event(self, command, sequence, state, **more):
        return self.send("task-events", {"boot_id": "boot-1", "events": [{
            "task_id": command["payload"]["task_id"], "fence": command["fence"],
            "sequence": sequence, "state": state, **more}]})
