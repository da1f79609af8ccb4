# SPDX-License-Identifier: Apache-2.0
"""By what a node is known: its credential is rotated while its agent is killed again and again, it
is revoked and joins again, its name is given to another machine, and a copy of it appears.
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from fleet import BIN, Fleet, eventually

SEED = int(os.environ.get("ROLESYNC_SEED", random.randrange(1 << 30)))


def another_boot(fleet):
    """A prefix for a program that shall see another boot id than this machine has."""
    path = fleet.directory / "boot_id"
    path.write_text("00000000-1111-2222-3333-444444444444\n")
    script = f'mount --bind {path} /proc/sys/kernel/random/boot_id && exec "$@"'
    prefix = ["unshare", *([] if os.geteuid() == 0 else ["-Ur"]), "-m", "sh", "-c", script, "sh"]
    tried = subprocess.run([*prefix, "cat", "/proc/sys/kernel/random/boot_id"],
                           capture_output=True, text=True, check=False)
    if tried.stdout != path.read_text():
        print("no mount namespace of our own here:", tried.stderr.strip())
        sys.exit(77)
    return prefix


def node(fleet, name):
    return fleet.get(f"/api/nodes/{name}")


def agent_status(fleet, name):
    """(exit code, output) of rolesync-agent status, as a person on the node would call it."""
    done = subprocess.run([str(BIN / "rolesync-agent"), "status", "--config",
                           str(fleet.node_directory(name) / "agent.toml")],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def secret(fleet, name):
    return (fleet.node_directory(name) / "state" / "credential").read_text().strip()


def refusal(fleet, name, credential):
    status, answer = fleet.request("POST", f"/api/nodes/{name}/credential",
                                   {"credential_sha256": "0" * 64}, token=credential)
    assert status == 401, (status, answer)
    return answer["reason"]


def run_join(fleet, name, rejoin):
    token = fleet.post("/api/join-tokens", {"node_id": name, "rejoin": rejoin})["token"]
    fleet._run(BIN / "rolesync-agent", "join", fleet.url, token, "--config",
               fleet.node_directory(name) / "agent.toml")


def rotation_survives_kills(fleet):
    old = secret(fleet, "node-1")
    chance = random.Random(SEED)
    fleet.post("/api/nodes/node-1/rotate-credential")
    for _ in range(8):
        time.sleep(chance.random() * 0.15)
        fleet.stop_agent("node-1", signal.SIGKILL)
        if chance.random() < 0.3:
            fleet.stop_server(signal.SIGKILL)
            fleet.start_server()
        fleet.start_agent("node-1")

    def rotated():
        credential = node(fleet, "node-1")["credential"]
        return credential["rotation_requested_at"] is None and secret(fleet, "node-1") != old
    eventually(rotated, "the credential is another one", 90)
    eventually(lambda: agent_status(fleet, "node-1")[0] == 0, "the agent is connected", 90)
    assert refusal(fleet, "node-1", old) == "credential_replaced"
    path = fleet.node_directory("node-1") / "state" / "credential"
    assert path.stat().st_mode & 0o777 == 0o600
    eventually(lambda: not path.with_name("credential.next").exists(), "no successor is left", 60)
    print("rotated under kills")


def revoked_and_back(fleet):
    fleet.post("/api/nodes/node-2/revoke", {"reason": "lost"})
    eventually(lambda: agent_status(fleet, "node-2")[0] == 4, "the agent knows that it is revoked")
    text = agent_status(fleet, "node-2")[1]
    assert "state: revoked" in text and "what to do: join this machine again" in text, text
    assert fleet.agents["node-2"].poll() is None, "the agent goes on"
    assert "node_revoked" in fleet.log("node-2")
    status, answer = fleet.request("POST", "/api/join-tokens", {"node_id": "node-2"})
    assert (status, answer["reason"]) == (409, "node_exists"), answer
    run_join(fleet, "node-2", rejoin=True)
    eventually(lambda: agent_status(fleet, "node-2")[0] == 0, "the running agent is back", 90)
    assert node(fleet, "node-2")["state"] == "online"
    print("revoked, and joined again without a restart")


def a_name_for_another_machine(fleet):
    old = secret(fleet, "node-3")
    fleet._expect("DELETE", "/api/nodes/node-3")
    eventually(lambda: "node_deleted" in agent_status(fleet, "node-3")[1], "the agent knows")
    fleet.stop_agent("node-3")
    shutil.move(fleet.node_directory("node-3"), fleet.directory / "old-node-3")
    fleet.configure_agent("node-3")
    run_join(fleet, "node-3", rejoin=False)
    fleet.start_agent("node-3")
    eventually(lambda: node(fleet, "node-3")["state"] == "online", "the new machine is there")
    assert refusal(fleet, "node-3", old) == "node_deleted"
    print("a name was given to another machine")


def a_copy_appears(fleet, prefix):
    shutil.copytree(fleet.node_directory("node-2") / "state", fleet.directory / "copy",
                    ignore=shutil.ignore_patterns("lock"))
    config = (fleet.node_directory("node-2") / "agent.toml").read_text()
    (fleet.directory / "copy" / "agent.toml").write_text(
        config.replace(str(fleet.node_directory("node-2") / "state"), str(fleet.directory / "copy")))
    argv = [BIN / "rolesync-agent", "run", "--config", fleet.directory / "copy" / "agent.toml"]
    copy = fleet._spawn("copy", argv, prefix)
    fleet.agents["copy"] = copy
    eventually(lambda: node(fleet, "node-2")["clone"], "the copy is seen")
    shown = subprocess.run([str(BIN / "rolesync"), "node", "show", "node-2"], check=False,
                           capture_output=True, text=True,
                           env={**os.environ, "ROLESYNC_URL": fleet.url,
                                "ROLESYNC_TOKEN": fleet.token, "ROLESYNC_CONFIG": "/dev/null"})
    assert shown.returncode == 0, shown.stderr
    print(shown.stdout)
    eventually(lambda: "clone_detected" in (fleet.log("copy") + fleet.log("node-2")),
               "the one that came second says so")
    assert copy.poll() is None, "it goes on, and asks rarely"
    copy.send_signal(signal.SIGTERM)
    copy.wait(30)
    eventually(lambda: node(fleet, "node-2")["clone"] is None, "the copy is forgotten", 120)
    eventually(lambda: agent_status(fleet, "node-2")[0] == 0, "the node is what it was", 120)
    log = (fleet.directory / "server.log").read_text()
    for event in ("clone_detected", "clone_resolved", "credential_replaced"):
        assert f"event={event} " in log, event
    print("a copy was seen, and its end too")


def main():
    print("seed", SEED)
    with Fleet(agents=3) as fleet:
        prefix = another_boot(fleet)
        with open(fleet.state / "server.toml", "a", encoding="utf-8") as config:
            config.write("\n[nodes]\nheartbeat_interval_seconds = 2\n"
                         "late_seconds = 5\noffline_seconds = 8\n")
        fleet.start()
        rotation_survives_kills(fleet)
        revoked_and_back(fleet)
        a_name_for_another_machine(fleet)
        a_copy_appears(fleet, prefix)


main()
