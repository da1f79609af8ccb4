# SPDX-License-Identifier: Apache-2.0
"""Agents of others, idle, measured as ours is. Their Debian packages are unpacked, not installed:
nothing of them runs or stays on this machine."""
import pathlib
import subprocess
import sys
import tempfile
import time

from measure import Group, memory

PACKAGES = ["monit", "prometheus-node-exporter", "collectd-core"]
COLLECTD = """BaseDir "{0}"
PIDFile "{0}/collectd.pid"
PluginDir "{1}/usr/lib/collectd"
TypesDB "{1}/usr/share/collectd/types.db"
Interval 30
LoadPlugin cpu
LoadPlugin memory
LoadPlugin df
LoadPlugin processes
"""


def commands(unpacked, directory):
    """Package -> how it runs in the foreground, looking every 30 s where it can be told."""
    monit = directory / "monitrc"
    monit.write_text("set daemon 30\nset idfile {0}/id\nset statefile {0}/state\n"
                     "check system here\n".format(directory))
    monit.chmod(0o600)
    collectd = directory / "collectd.conf"
    collectd.write_text(COLLECTD.format(directory, unpacked))
    return {
        "monit": [unpacked / "usr/bin/monit", "-I", "-c", monit],
        "prometheus-node-exporter": [unpacked / "usr/bin/prometheus-node-exporter",
                                     "--web.listen-address=127.0.0.1:9100"],
        "collectd-core": [unpacked / "usr/sbin/collectd", "-f", "-C", collectd],
    }


def fetch_peers(directory):
    """Downloads and unpacks them: before the network is left."""
    directory.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        subprocess.run(["apt-get", "download", "-q", package], cwd=directory, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for file in directory.glob(f"{package}_*.deb"):
            subprocess.run(["dpkg", "-x", file, directory / "root"], check=True)


def measure_peers(row, window, directory):
    with tempfile.TemporaryDirectory(prefix="rolesync-peers-") as state:
        for package, argv in commands(directory / "root", pathlib.Path(state)).items():
            if argv[0].exists():
                measure_one(row, package, argv, window)
            else:
                print(f"{package}: not to be had here, left out", file=sys.stderr)


def measure_one(row, package, argv, window):
    with Group("peer") as group:
        run_one(row, group, package, argv, window)


def run_one(row, group, package, argv, window):
    process = subprocess.Popen([str(a) for a in argv], preexec_fn=group.enter,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(5)
    if process.poll() is not None:
        print(f"{package}: does not run here, left out", file=sys.stderr)
    else:
        cpu, begin = group.cpu_seconds(), time.monotonic()
        time.sleep(window)
        share = (group.cpu_seconds() - cpu) / (time.monotonic() - begin) * 100
        used = [memory(pid) for pid in group.pids()]
        row(f"{package} idle: resident", "MB", sum(u["rss"] for u in used) / 1e6)
        row(f"{package} idle: proportional", "MB", sum(u["pss"] for u in used) / 1e6)
        row(f"{package} idle: CPU of one core", "%", share)
        process.terminate()
        process.wait(30)
