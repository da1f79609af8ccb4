#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL for tests, in a directory of its own.

    cluster.py start DIR [--durable]   makes and starts it; DIR/url says where databases are
    cluster.py stop DIR                stops and removes it
    cluster.py kill|up DIR             kill -9 of the whole cluster; starts it again
    cluster.py restart DIR             an immediate restart: what was not committed is lost

It listens on a Unix socket in DIR only. Without --durable it does not wait for the disk.
"""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time


def program(name):
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}")) or [shutil.which(name)]
    if not found[-1]:
        sys.exit(f"cluster.py: {name} is missing; script/bootstrap installs it")
    return found[-1]


def as_its_user():
    """PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def run(*command):
    done = subprocess.run([*as_its_user(), *command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", text=True)
    if done.returncode != 0:
        sys.exit(f"cluster.py: {' '.join(command)}\n{done.stdout}")


def main_pid(directory):
    try:
        with open(f"{directory}/data/postmaster.pid", encoding="utf-8") as file:
            pid = int(file.readline())
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return pid if f"{directory}/data".encode() in file.read() else None
    except (OSError, ValueError):
        return None


def up(directory):
    run(program("pg_ctl"), "-D", f"{directory}/data", "-l", f"{directory}/log", "-w", "-t", "60",
        "start")


def start(directory, durable):
    if main_pid(directory):
        return
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory, 0o755)
    if os.getuid() == 0:
        shutil.chown(directory, "postgres", "postgres")
    run(program("initdb"), "-D", f"{directory}/data", "-U", "rolesync", "-A", "trust",
        "-E", "UTF8", "--locale=C", "--no-sync")
    settings = {"listen_addresses": "''", "unix_socket_directories": f"'{directory}'",
                "max_connections": "200", "shared_buffers": "32MB"}
    if not durable:
        settings.update({"fsync": "off", "full_page_writes": "off"})
    with open(f"{directory}/data/postgresql.conf", "a", encoding="utf-8") as file:
        file.writelines(f"{name} = {value}\n" for name, value in settings.items())
    up(directory)
    with open(f"{directory}/url", "w", encoding="utf-8") as file:
        file.write(f"postgresql://rolesync@/DATABASE?host={directory}")


def stop(directory):
    pid = main_pid(directory)
    if pid:
        os.kill(pid, signal.SIGQUIT)
        wait_for_end(pid)
    shutil.rmtree(directory, ignore_errors=True)


def wait_for_end(pid):
    end = time.monotonic() + 60
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
        time.sleep(0.01)


def kill(directory):
    pid = main_pid(directory)
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], stdout=subprocess.PIPE,
                              text=True, check=False).stdout.split()
    for each in [pid, *map(int, children)]:
        try:
            os.kill(each, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_for_end(pid)


def main():
    verb, directory = sys.argv[1], os.path.abspath(sys.argv[2])
    if verb == "start":
        start(directory, "--durable" in sys.argv)
    elif verb == "stop":
        stop(directory)
    elif verb == "kill":
        kill(directory)
    elif verb == "up":
        up(directory)
    elif verb == "restart":
        run(program("pg_ctl"), "-D", f"{directory}/data", "-l", f"{directory}/log", "-w",
            "-m", "immediate", "restart")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
