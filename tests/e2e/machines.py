# SPDX-License-Identifier: Apache-2.0
"""Machines with a real systemd as their first process, for stories that need one.

Each is a systemd-nspawn container over an overlay of one root file system (rootfs.py), all on one
bridge. The whole test runs in mount, network and process namespaces of its own: whatever it leaves
behind, mounts, interfaces and processes, ends with it, also when it is killed. Only the control
groups and directories of a killed test stay, and the next one removes those. Needs root."""
import contextlib
import fcntl
import os
import pathlib
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
import unittest

from fleet import BUILD, eventually
from rootfs import RigMissing, rootfs, run

INSIDE = "ROLESYNC_E2E_ROOTFS"  # set in the namespaces; the root file system to use
NETWORK = "10.77.0"
GATEWAY = f"{NETWORK}.254"  # this test's own address on the bridge
BRIDGE = "machines"
SKIPPED = 77  # for ctest
GROUPS = pathlib.Path("/sys/fs/cgroup")
RUNS = BUILD / "e2e"


def main(**options):
    """Instead of unittest.main(): runs the tests in namespaces of their own, as root."""
    if INSIDE not in os.environ:
        enter_namespaces()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the first process ignores it otherwise
    unittest.main(**options)


def enter_namespaces():
    if os.geteuid() != 0:
        become_root()
    try:
        root = rootfs()
    except RigMissing as missing:
        sys.exit(f"no test machines here: {missing}")
    os.execvpe("unshare", ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child",
                           "--mount-proc", sys.executable, *sys.argv],
               {**os.environ, INSIDE: str(root)})


def become_root():
    if subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        os.execvp("sudo", ["sudo", "-n", "-E", sys.executable, *sys.argv])
    print("this test starts whole machines, which needs root or sudo without a password")
    sys.exit(1 if os.environ.get("CI") else SKIPPED)


def group_hierarchies():
    """Where systemd inside wants a control group: in the unified hierarchy, and in its own
    where the kernel is used the old way."""
    if subprocess.run(["stat", "-fc", "%T", GROUPS], capture_output=True,
                      text=True).stdout.strip() == "cgroup2fs":
        return [GROUPS]
    return [d for d in (GROUPS / "unified", GROUPS / "systemd") if d.is_dir()]


def remove_groups(prefix):
    for hierarchy in group_hierarchies():
        for top in hierarchy.glob(prefix + "*"):
            for directory, _, _ in sorted(os.walk(top), reverse=True):
                with contextlib.suppress(OSError):
                    os.rmdir(directory)


class Machine:
    """One machine. Its disk outlives kill() and stop(), until the rig is closed."""

    def __init__(self, rig, name, number):
        self.rig, self.name = rig, name
        self.address = f"{NETWORK}.{number}"
        self.directory = rig.directory / name
        self.root = self.directory / "root"
        self.process = None
        self.disks = []
        for each in ("upper", "work", "root"):
            (self.directory / each).mkdir(parents=True)
        run("mount", "-t", "overlay", "overlay", "-o", "lowerdir=" + str(rig.installed) + ":" +
            os.environ[INSIDE] + f",upperdir={self.directory}/upper,workdir={self.directory}/work",
            self.root)
        self.write("/etc/hostname", name + "\n")
        self.write("/etc/systemd/network/10-rig.network",
                   f"[Match]\nName=host0\n[Network]\nAddress={self.address}/24\n"
                   "LinkLocalAddressing=no\nIPv6AcceptRA=no\n")

    def disk(self, path, megabytes):
        """A small disk of its own at `path`, before the machine is started: seen from here too, and kept
        when the machine loses its power."""
        full = self.root / path.lstrip("/")
        full.mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "none", full)
        self.disks.append(full)

    def write(self, path, content, mode=0o644):
        full = self.root / str(path).lstrip("/")
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content if isinstance(content, bytes) else content.encode())
        full.chmod(mode)

    def read(self, path):
        return (self.root / str(path).lstrip("/")).read_text(errors="replace")

    # -- power -------------------------------------------------------------------------------

    def start(self):
        """Power on; wait_until_up() tells when systemd has started everything."""
        argv = ["systemd-nspawn", "--quiet", "--boot", f"--directory={self.root}",
                f"--machine={self.rig.prefix}{self.name}", f"--hostname={self.name}",
                "--register=no", "--keep-unit", f"--network-bridge={BRIDGE}", "--link-journal=no",
                "--resolv-conf=off", "--timezone=off", "--console=pipe",
                "--kill-signal=SIGRTMIN+3"]
        if os.path.isdir("/run/systemd/system"):
            argv = ["systemd-run", "--scope", "--quiet", "--property=Delegate=yes", *argv]
            enter_groups = None
        else:
            enter_groups = self._enter_groups
        with open(self.directory / "console.log", "ab") as console:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                start_new_session=True, preexec_fn=enter_groups,
                env={**os.environ, "UNIFIED_CGROUP_HIERARCHY": "1"})
        return self

    def _enter_groups(self):
        for hierarchy in group_hierarchies():
            group = hierarchy / f"{self.rig.prefix}{self.name}"
            group.mkdir(exist_ok=True)
            (group / "cgroup.procs").write_text("0")

    def leader(self):
        """The process id of the machine's own first process, as seen from here."""
        if self.process is None or self.process.poll() is not None:
            return None
        pid = self.process.pid
        try:
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):  # it ended since it was asked
            return None
        return int(children[0]) if children else None

    def state(self):
        """What systemd says of the machine: starting, running, degraded, ..."""
        if self.process and self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended while starting: {self.console()}")
        if not self.leader():
            return ""
        return self.exec("systemctl", "is-system-running", check=False).stdout.strip()

    def wait_until_up(self, seconds=60):
        eventually(lambda: self.state() in ("running", "degraded"), f"{self.name} is up", seconds)
        return self

    def kill(self):
        """Power loss: every process of the machine ends at once, nothing is told."""
        leader = self.leader()
        if leader:
            os.kill(leader, signal.SIGKILL)
        self._wait()

    def stop(self):
        """A clean shutdown, or a kill when that takes too long."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        self._wait()

    def _wait(self):
        if self.process:
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None
        remove_groups(f"{self.rig.prefix}{self.name}")

    # -- network -----------------------------------------------------------------------------

    def cut(self):
        """The network goes silent: nothing arrives any more and nobody is told. The link stays up,
        and connections stay half open, as behind a dead switch."""
        self._link_state(0)

    def heal(self):
        self._link_state(3)

    def _link_state(self, state):
        index = self.exec("cat", "/sys/class/net/host0/iflink").stdout.strip()
        links = run("ip", "-o", "link", "show", "master", BRIDGE).splitlines()
        port = next(l.split()[1] for l in links if l.startswith(index + ":"))
        run("bridge", "link", "set", "dev", port.split("@")[0].rstrip(":"), "state", state)

    # -- inside ------------------------------------------------------------------------------

    def exec(self, *argv, check=True, timeout=60, input=None):
        """Runs a program inside as root; .stdout and .stderr are text."""
        leader = self.leader()
        if not leader:
            raise AssertionError(f"{self.name} is off")
        done = subprocess.run(
            ["nsenter", f"--target={leader}", "--all", "--root", "--wd=/", "/usr/bin/env", "-i",
             "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "HOME=/root", "LC_ALL=C.UTF-8",
             *map(str, argv)], input=input, capture_output=True, text=True, errors="replace",
            timeout=timeout, check=False)
        if check and done.returncode:
            raise AssertionError(f"{self.name}: {shlex.join(map(str, argv))}: exit "
                                 f"{done.returncode}: {done.stdout}{done.stderr}")
        return done

    def show(self, unit, *properties):
        """{property: value} of a unit, from `systemctl show`."""
        text = self.exec("systemctl", "show", unit, "--property=" + ",".join(properties)).stdout
        return dict(line.split("=", 1) for line in text.splitlines())

    def outside(self, pid):
        """The process id here of a process id in there."""
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                ids = next(l for l in status.read_text().splitlines() if l.startswith("NSpid:"))
                if ids.split()[-1] == str(pid) and self._has(int(status.parent.name)):
                    return int(status.parent.name)
        raise AssertionError(f"{self.name} has no process {pid}")

    def processes(self):
        """(unit, command line) of each process that systemd in there looks after."""
        inside = os.readlink(f"/proc/{self.leader()}/ns/pid")
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                group = (process / "cgroup").read_text()
                if os.readlink(process / "ns/pid") != inside or self.rig.prefix not in group:
                    continue
                argv = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                unit = next((p for p in reversed(group.strip().split("/"))
                             if p.rpartition(".")[2] in ("service", "scope")), "")
                if argv:  # a zombie has none
                    yield unit, argv.strip()

    def _has(self, pid):
        return os.readlink(f"/proc/{pid}/ns/pid") == os.readlink(f"/proc/{self.leader()}/ns/pid")

    def journal(self, *options):
        return self.exec("journalctl", "-b", "--no-pager", "-o", "short-precise", *options).stdout

    def console(self):
        return (self.directory / "console.log").read_text(errors="replace")[-2000:]


class Rig:
    """Some machines on a network of their own; close() ends all of it."""

    def __init__(self):
        remove_leftovers()
        RUNS.mkdir(parents=True, exist_ok=True)
        self.directory = RUNS / f"run-{secrets.token_hex(4)}"
        self.directory.mkdir()
        self.prefix = f"rolesync-{self.directory.name}-"  # of control groups
        self.lock = open(self.directory / "lock", "w", encoding="ascii")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.installed = self.directory / "installed"  # what all machines have on their disk
        self.installed.mkdir()
        self.machines = []
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "address", "add", f"{GATEWAY}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def machine(self, name):
        made = Machine(self, name, len(self.machines) + 1)
        self.machines.append(made)
        return made

    def close(self):
        for machine in self.machines:
            with contextlib.suppress(OSError):
                machine.kill()
            for mounted in (*machine.disks, machine.root):
                subprocess.run(["umount", mounted], check=False, capture_output=True)
        self.machines = []
        subprocess.run(["ip", "link", "delete", BRIDGE], check=False, capture_output=True)
        remove_groups(self.prefix)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.lock.close()


def remove_leftovers():
    """Directories and control groups of tests that were killed; their lock is free."""
    for directory in RUNS.glob("run-*"):
        with contextlib.suppress(OSError), open(directory / "lock", "a", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            remove_groups(f"rolesync-{directory.name}-")
            shutil.rmtree(directory, ignore_errors=True)
