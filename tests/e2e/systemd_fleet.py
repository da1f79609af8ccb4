# SPDX-License-Identifier: Apache-2.0
"""A server and a node on machines with a real systemd, set up as README.md and the operator guide say:
the units of packaging/, TLS, a join token, a repository of a normal user with its hook installed."""
import contextlib
import http.client
import shutil
import ssl

import machines
from fleet import BIN, GIT_ENVIRONMENT, PLUGINS, SOURCE, Fleet, Problem, eventually

CONFIG = "/etc/rolesync"
REPOSITORY = "/home/dev/project"


class MachineRepository:
    """A git repository of the user dev on a machine."""

    def __init__(self, machine):
        self.machine = machine
        self.path = REPOSITORY

    def as_dev(self, *argv, check=True):
        environment = [f"{k}={v}" for k, v in GIT_ENVIRONMENT.items() if k.startswith("GIT_")]
        return self.machine.exec("runuser", "-u", "dev", "--", "env", "-C", REPOSITORY,
                                 "HOME=/home/dev", *environment, *argv, check=check).stdout.strip()

    def git(self, *arguments):
        return self.as_dev("git", *arguments)

    def init(self):
        self.machine.exec("useradd", "--create-home", "dev")
        self.machine.exec("install", "-d", "-o", "dev", "-g", "dev", REPOSITORY)
        self.git("init", "-q", "-b", "main")

    def write(self, path, content, mode=0o644):
        self.machine.write(f"{REPOSITORY}/{path}", content, mode)

    def commit(self, message):
        self.machine.exec("chown", "-R", "dev:dev", REPOSITORY)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def _listed(self, commit):
        """(mode, blob id, size, path) of each file of a commit, as git says."""
        for record in self.git("ls-tree", "-r", "-l", "-z", commit).split("\0"):
            if record:
                facts, path = record.split("\t", 1)
                mode, _, blob, size = facts.split()
                yield mode, blob, int(size), path

    def tree(self, commit, prefix=""):
        """{path below prefix: (mode, blob id)} of a commit."""
        return {path[len(prefix):].encode(): (mode, blob)
                for mode, blob, _, path in self._listed(commit) if path.startswith(prefix)}

    def sizes(self, commit):
        """{blob id: size} of a commit."""
        return {blob: size for _, blob, size, _ in self._listed(commit)}


class SystemdFleet(Fleet):
    """Machines: `hub` runs the server, and an agent because it holds the repository; `web-1` runs
    the roles under an agent that may write nowhere else, as do further ones. What Fleet says about
    processes of this machine does not apply here."""
    tls = True
    port = 8770
    nodes = ("hub", "web-1")
    roots = ("/srv",)
    health_seconds = 6

    def __init__(self):
        self.rig = machines.Rig()
        try:
            self._install()
            self.machines = {name: self.rig.machine(name) for name in self.nodes}
            self.hub, self.web = self.machines["hub"], self.machines["web-1"]
            self._before_start()
            for each in self.rig.machines:
                each.start()
            for each in self.rig.machines:
                each.wait_until_up()
            self.url = f"https://{self.hub.address}:{self.port}"
            self._start_server()
            self.repository = MachineRepository(self.hub)
            self.repository.init()
            self._start_agent(self.hub, f'[source]\nrepositories = ["{REPOSITORY}"]\n')
            for name in self.nodes[1:]:
                self._restrict_agent(self.machines[name])
                self._start_agent(self.machines[name])
            self.wait_until_online()
        except BaseException:
            self.close(keep=True)
            raise

    def close(self, keep=False):
        if keep:
            for each in self.rig.machines:
                with contextlib.suppress(Exception):
                    print(f"--- {each.name}\n{each.journal('-n', '150', '-u', 'rolesync*')}")
        self.rig.close()

    def _before_start(self):
        pass

    # -- as README.md and the operator guide say -----------------------------------------------

    def _install(self):
        root = self.rig.installed
        for directory in ("usr/local/bin", "etc/systemd/system", "usr/lib/sysusers.d"):
            (root / directory).mkdir(parents=True)
        for program in BIN.glob("rolesync*"):
            shutil.copy(program, root / "usr/local/bin")
        for directory in PLUGINS:
            shutil.copytree(directory, root / "usr/lib/rolesync/plugins" / directory.name,
                            ignore=lambda _, names: [n for n in names if not n.endswith(".so")])
        for unit in (SOURCE / "packaging/systemd").glob("*.service"):
            shutil.copy(unit, root / "etc/systemd/system")
        shutil.copy(SOURCE / "packaging/sysusers.d/rolesync.conf", root / "usr/lib/sysusers.d")

    def _start_server(self):
        hub = self.hub
        hub.exec("systemd-sysusers")
        hub.exec("rolesync", "server", "init", "--config", f"{CONFIG}/server.toml", "--state-dir",
                 "/var/lib/rolesync", "--listen", f"{hub.address}:{self.port}", "--tls")
        hub.exec("chown", "rolesync:", f"{CONFIG}/server.toml")
        hub.exec("systemctl", "enable", "--now", "rolesync-server")
        secrets = "/var/lib/rolesync/secrets"
        self.token = hub.read(f"{secrets}/admin.token").strip()
        self.ca = hub.root / f"{secrets}/ca.crt".lstrip("/")
        hub.write("/root/.config/rolesync/config.toml",
                  f'current = "here"\n[contexts.here]\nurl = "{self.url}"\n'
                  f'ca_file = "{secrets}/ca.crt"\ntoken_file = "{secrets}/admin.token"\n', 0o600)
        eventually(lambda: self._answers(), "the server answers")

    def _answers(self):
        with contextlib.suppress(OSError):
            return self.request("GET", "/readyz")[0] == 200

    def _restrict_agent(self, machine):
        roots = "ReadWritePaths=" + " ".join(root for root in self.roots)
        for root in self.roots:
            machine.exec("mkdir", "-p", root)
        text = (SOURCE / "packaging/systemd/rolesync-agent-strict.conf").read_text()
        assert "ReadWritePaths=/srv\n" in text
        machine.write("/etc/systemd/system/rolesync-agent.service.d/strict.conf",
                      text.replace("ReadWritePaths=/srv", roots))

    def _start_agent(self, machine, more=""):
        machine.write(f"{CONFIG}/agent.toml", f"""
node_id = "{machine.name}"
state_dir = "/var/lib/rolesync-agent"
plugin_dirs = ["/usr/lib/rolesync/plugins"]
allowed_roots = [{", ".join(f'"{root}"' for root in self.roots)}]
allowed_units = ["app-*", "user:app/*", "user:idle/*"]
detect_seconds = 1
[server]
url = "{self.url}"
[health]
timeout_seconds = {self.health_seconds}
[commands]
allowed = true
{more}""")
        token = self.cli("token", "create", "--join", machine.name).strip()
        machine.exec("rolesync", "agent", "join", self.url, token, "--config",
                     f"{CONFIG}/agent.toml")
        machine.exec("systemctl", "enable", "--now", "rolesync-recover", "rolesync-agent")

    def root(self, node):
        return self.machines[node].root

    def agent_state(self, node):
        return self.root(node) / "var/lib/rolesync-agent"

    @property
    def state(self):
        return self.hub.root / "var/lib/rolesync"

    def cli(self, *argv, check=True):
        """`rolesync ...` in the administrator's shell."""
        return self.hub.exec("rolesync", *argv, check=check).stdout

    # -- the API, seen from here ------------------------------------------------------------------

    def _connection(self):
        context = ssl.create_default_context(cafile=self.ca)
        return http.client.HTTPSConnection(self.hub.address, self.port, timeout=60, context=context)

    def cell(self, role, node="web-1"):
        """What the server knows of a role on a node, or {}."""
        return next((c for c in self.get("/api/status")["cells"]
                     if c["role_name"] == role and c["node_id"] == node), {})

    def wait_for_cell(self, role, **expected):
        """Waits until these fields of the cell have these values; {} of `version` is its state."""
        def seen():
            cell = self.cell(role)
            return all(cell.get(k) == v for k, v in expected.items()) and cell
        try:
            return eventually(seen, f"{role} shows {expected}", 20)
        except AssertionError as error:
            raise AssertionError(f"{error}; it shows {self.cell(role)}") from None
