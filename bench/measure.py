# SPDX-License-Identifier: Apache-2.0
"""What benchmarks read from the kernel: CPU of a group, memory, threads, bytes on the loopback."""
import os
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from fleet import eventually  # noqa: E402

CGROUPS = pathlib.Path("/sys/fs/cgroup/unified")
# Shared libraries that are in memory on every Debian machine anyway: there, only the share counts.
EVERYWHERE = re.compile(r"/(ld-linux|libc|libm|libstdc\+\+|libgcc_s|libcrypto|libssl|libsystemd|libz|"
                        r"libzstd|liblzma|liblz4|libcap|libgcrypt|libgpg-error|libpcre2-8)[-.]")


class Group:
    """A cgroup of our own, for its CPU clock."""

    def __init__(self, name):
        base = CGROUPS if CGROUPS.is_dir() else CGROUPS.parent
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"rolesync-bench-{name}-", dir=base))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def enter(self, pid=None):
        (self.path / "cgroup.procs").write_text(str(pid or os.getpid()))

    def pids(self):
        return [int(pid) for pid in (self.path / "cgroup.procs").read_text().split()]

    def cpu_seconds(self):
        line = (self.path / "cpu.stat").read_text().splitlines()[0]
        return int(line.split()[1]) / 1e6

    def close(self):
        eventually(lambda: not (self.path / "cgroup.procs").read_text(), "the group is empty")
        self.path.rmdir()


def loopback_bytes():
    for line in pathlib.Path("/proc/net/dev").read_text().splitlines():
        if line.strip().startswith("lo:"):
            return int(line.split()[1])
    return 0


def memory(pid):
    """Bytes: rss, private, and pss as it would be were no second program of ours on the machine.

    Pages of a library that only programs like this one map count in full, however many of them
    happen to run beside it now; of libraries that every machine uses, the share counts.
    """
    rss = private = alone = 0
    everywhere = False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        head = re.match(r"[0-9a-f]+-[0-9a-f]+ ....", line)
        if head:
            everywhere = bool(EVERYWHERE.search(line))
            continue
        field, _, rest = line.partition(":")
        if field not in ("Rss", "Pss", "Private_Clean", "Private_Dirty"):
            continue
        size = int(rest.split()[0]) * 1024
        if field == "Rss":
            rss += size
            alone += 0 if everywhere else size
        elif field == "Pss":
            alone += size if everywhere else 0
        else:
            private += size
    return {"rss": rss, "private": private, "pss": alone}


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def threads(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"Threads:\s+(\d+)", status).group(1))
