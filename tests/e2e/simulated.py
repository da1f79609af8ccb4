# SPDX-License-Identifier: Apache-2.0
"""Drives the simulated fleet (tests/simulated_fleet) against the real server of a Fleet."""
import json
import signal
import subprocess
import threading

from fleet import BUILD


class SimulatedFleet:
    """`options` are those of the program, with _ for -: nodes=1000, failing=10, fail_at="stage"."""

    def __init__(self, fleet, name="simulated", **options):
        self.directory = fleet.directory
        self.log = self.directory / f"{name}.log"
        self.deliveries_file = self.directory / f"{name}.deliveries"
        argv = [BUILD / "tests/simulated_fleet/simulated_fleet", *(word for url in getattr(fleet, "urls", [fleet.url]) for word in ("--url", url)),
                "--admin-token-file", fleet.state / "secrets" / "admin.token",
                "--credentials", self.directory / f"{name}.credentials",
                "--deliveries", self.deliveries_file]
        if fleet.tls:
            argv += ["--ca", fleet.state / "secrets" / "ca.crt"]
        for option, value in options.items():
            argv.append("--" + option.replace("_", "-"))
            if value is not True:
                argv.append(value)
        self.lines, self.arrived = [], threading.Condition()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log, text=True,
                                            start_new_session=True)
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self):
        for line in self.process.stdout:
            with self.arrived:
                self.lines.append(json.loads(line))
                self.arrived.notify_all()

    def _next(self, event, after, seconds):
        def there():
            return next((line for line in self.lines[after:] if line["event"] == event), None)
        with self.arrived:
            if not self.arrived.wait_for(lambda: there() or self.process.poll() is not None, seconds):
                raise AssertionError(f"no `{event}` within {seconds} s; {self.lines[-1:]}")
            if not there():
                raise AssertionError("the simulated fleet ended: " + self.log.read_text()[-2000:])
            return there()

    def wait_until_settled(self, seconds=120):
        """All nodes have joined and wait in their heartbeats."""
        return self._next("settled", 0, seconds)

    def counts(self):
        after = len(self.lines)
        self.process.send_signal(signal.SIGUSR1)
        return self._next("counts", after, 30)

    def deliveries(self):
        """[(monotonic seconds, node, kind, task)] of the commands that have arrived so far."""
        self.counts()
        lines = self.deliveries_file.read_text().splitlines()
        return [(float(at), *rest) for at, *rest in (line.split() for line in lines)]

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
