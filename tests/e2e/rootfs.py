# SPDX-License-Identifier: Apache-2.0
"""The root file system of test machines: a small Debian of this machine's own release, made once with
debootstrap and kept in ~/.cache/rolesync (XDG_CACHE_HOME counts), so that a fresh clone needs no
network. It holds a plain systemd machine and what `script/bootstrap run` would install; our own
programs are not in it. Needs root."""
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

from fleet import SOURCE

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "rolesync"

# What is on every such machine; perl (for the services of tests) comes with any Debian.
PACKAGES = ["systemd", "systemd-sysv", "dbus", "iproute2", "procps"]
# Nothing a container has hardware or time for.
MASKED = ["systemd-udevd.service", "systemd-udev-trigger.service", "getty.target",
          "console-getty.service", "apt-daily.timer", "apt-daily-upgrade.timer",
          "e2scrub_all.timer", "fstrim.timer", "dpkg-db-backup.timer", "systemd-resolved.service"]


class RigMissing(Exception):
    """This machine cannot run test machines; the message says what is missing."""


def run(*argv, **options):
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, errors="replace", check=False,
                          **options)
    if done.returncode:
        raise RigMissing(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def suite():
    text = pathlib.Path("/etc/os-release").read_text()
    return re.search(r"^VERSION_CODENAME=(\w+)$", text, re.M).group(1)


def mirror():
    """Where this machine's own apt gets its packages from."""
    for update in (False, True):
        if update:
            run("apt-get", "update", "-qq")
        for wanted in (["Identifier: Packages", f"Release: {suite()}"], ["Identifier: Packages"]):
            sites = run("apt-get", "indextargets", "--format", "$(SITE)", *wanted).split()
            if sites:
                return sites[0]
    raise RigMissing("apt has no package source on this machine")


def clean(root):
    """Takes out what only costs space, and what must differ between machines."""
    for waste in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/man",
                  "usr/share/locale", "usr/share/doc"):
        shutil.rmtree(root / waste, ignore_errors=True)
    (root / "var/lib/dbus/machine-id").unlink(missing_ok=True)
    for empty in ("etc/machine-id", "etc/hostname", "etc/resolv.conf"):
        (root / empty).unlink(missing_ok=True)
        (root / empty).write_text("")


def build(root, packages):
    run("debootstrap", "--foreign", "--variant=minbase", "--include=" + ",".join(packages), suite(),
        root, mirror())
    # Nothing here has to survive a crash: dpkg's syncs take minutes on a busy disk.
    (root / "etc/dpkg/dpkg.cfg.d").mkdir(parents=True, exist_ok=True)
    (root / "etc/dpkg/dpkg.cfg.d/no-sync").write_text("force-unsafe-io\n")
    run("chroot", root, "/debootstrap/debootstrap", "--second-stage")
    clean(root)
    run("systemctl", f"--root={root}", "-q", "mask", *MASKED)
    run("systemctl", f"--root={root}", "-q", "enable", "systemd-networkd.service")
    run("systemctl", f"--root={root}", "-q", "set-default", "multi-user.target")


def rootfs():
    """The directory of the root file system; made first when it is not there."""
    missing = [t for t in ("debootstrap", "systemd-nspawn", "nsenter", "ip", "bridge")
               if not shutil.which(t)]
    if missing:
        raise RigMissing(f"not installed: {', '.join(missing)}; run script/bootstrap")
    packages = PACKAGES + run(SOURCE / "script/bootstrap", "list", "run").split()
    recipe = "\n".join([suite(), *packages, *MASKED, "2"])
    key = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    root = CACHE / f"rootfs-{key}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "rootfs.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            print(f"making the root file system of test machines in {root} (a minute)", flush=True)
            unfinished = CACHE / "rootfs.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            build(unfinished, packages)
            unfinished.rename(root)
    return root
