# SPDX-License-Identifier: Apache-2.0
"""Servers `a` and `b` on one PostgreSQL (tests/postgresql), each with a state directory of its own.

What Fleet does goes through the server that `via` names.
"""
import contextlib
import pathlib
import signal
import subprocess
import sys

from fleet import BIN, SOURCE, Fleet, eventually, free_port

CLUSTER = SOURCE / "tests/postgresql/cluster.py"


class TwoServers(Fleet):
    def __init__(self, agents=0):
        self.servers, self.ports, self.via_name = {}, {"a": free_port(), "b": free_port()}, "a"
        super().__init__(agents=agents)

    def _init_server(self):
        # PostgreSQL runs as a user of its own and has to come in.
        self.directory.chmod(0o755)
        self._run(sys.executable, CLUSTER, "start", self.directory / "postgresql")
        url = (self.directory / "postgresql/url").read_text()
        self.store = url.replace("DATABASE", "postgres")
        self.drop_in = self.directory / "plugins"
        self.drop_in.mkdir()
        for name in ("a", "b"):
            state = self.directory / f"server-{name}"
            self._run(BIN / "rolesync-server", "init", "--config", state / "server.toml",
                      "--state-dir", state, "--listen", f"127.0.0.1:{self.ports[name]}",
                      "--store", self.store)
        self.use("a")
        self.token = (self.state / "secrets" / "admin.token").read_text().strip()

    def use(self, name):
        self.via_name = name
        self.port = self.ports[name]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    @contextlib.contextmanager
    def through(self, name):
        before = self.via_name
        self.use(name)
        try:
            yield self
        finally:
            self.use(before)

    @property
    def urls(self):
        return [f"http://127.0.0.1:{port}" for port in self.ports.values()]

    @property
    def state(self):
        return self.directory / f"server-{self.via_name}"

    def start_servers(self):
        for name in ("a", "b"):
            self.start_one(name)
        self.use("a")

    def start_one(self, name):
        with self.through(name):
            self.server = self.servers[name] = self._spawn(f"server-{name}", self.server_argv())
            eventually(lambda: self._is_ready(name), f"server {name} answers /readyz")

    def _is_ready(self, name):
        if self.servers[name].poll() is not None:
            raise AssertionError(f"server {name} ended: " + self.log(f"server-{name}"))
        try:
            return self.request("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def stop_one(self, name, how=signal.SIGTERM):
        self.servers[name].send_signal(how)
        self.servers[name].wait(30)

    def close(self, keep=False):
        for process in self.servers.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if pathlib.Path(self.directory / "postgresql").exists():
            self._run(sys.executable, CLUSTER, "stop", self.directory / "postgresql")
        super().close(keep)
