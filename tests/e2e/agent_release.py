# SPDX-License-Identifier: Apache-2.0
"""Releases of the agent itself, for stories in which it is updated: the real one, one that says
another version, and those that are broken in every way that happens."""
import pathlib
import subprocess

from fleet import BIN

ROLE = "rolesync-agent"
TARGET = "/srv/rolesync"
NEXT_VERSION = "0.1.0+next"


def stripped(program, directory):
    """The program without what only a debugger reads, so that a commit of it is small."""
    out = pathlib.Path(directory) / program
    subprocess.run(["strip", "-o", out, BIN / program], check=True)
    return out.read_bytes()


def script(text):
    return b"#!/bin/sh\n" + text.encode() + b"\n"


def passes_its_trial(then):
    """Tells a version, as a good one does, and is bad only when it is run."""
    return script(f'[ "$1" = --version ] && echo 9.9.9 && exit 0\n{then}')


def with_another(program, old, new):
    assert program.count(old) >= 1 and len(old) == len(new)
    return program.replace(old, new)


def role():
    return {"role_name": ROLE, "source_paths": ["agent"], "target_path": TARGET, "self": "agent"}


class Releases:
    def __init__(self, directory):
        self.agent = stripped("rolesync-agent", directory)
        self.next = stripped("rolesync-agent-next", directory)
        self.host = stripped("rolesync-plugin-host", directory)

    def for_another_machine(self):
        header = bytearray(self.next)
        header[18:20] = b"\x08\x00"  # e_machine: MIPS
        return bytes(header)

    def lacks_a_library(self):
        return with_another(self.next, b"libPocoNetSSL.so", b"libPocoNotSSL.so")

    def write(self, repository, program, mode=0o755):
        repository.write("agent/bin/rolesync-plugin-host", self.host, 0o755)
        repository.write("agent/bin/rolesync-agent", program, mode)
