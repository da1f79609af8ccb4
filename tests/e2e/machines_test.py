# SPDX-License-Identifier: Apache-2.0
"""The rig of machines with a real systemd: they boot, reach each other, lose power and keep their
disk, and nothing is left of them afterwards. Needs root."""
import pathlib
import subprocess
import unittest

import machines


class Machines(unittest.TestCase):
    def test_two_machines(self):
        with machines.Rig() as rig:
            directory, prefix = rig.directory, rig.prefix
            one, two = rig.machine("one"), rig.machine("two")
            for each in (one, two):
                each.start()
            for each in (one, two):
                each.wait_until_up()
            self.assertEqual(one.exec("cat", "/proc/1/comm").stdout, "systemd\n")
            self.assertEqual(two.exec("hostname").stdout, "two\n")
            self.assertEqual(one.exec("systemctl", "--failed", "--quiet").stdout, "")
            reach = "use IO::Socket::INET; exit !IO::Socket::INET->new(Listen => 1, LocalAddr => shift)"
            one.exec("perl", "-e", reach, one.address)
            self.assertNotEqual(one.exec("perl", "-e", reach, two.address, check=False).returncode, 0)
            self.assertNotEqual(one.exec("false", check=False).returncode, 0)

            boot = one.exec("cat", "/proc/sys/kernel/random/boot_id").stdout
            one.exec("sh", "-c", "echo kept > /var/kept; echo lost > /run/lost")
            pid = one.exec("sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!").stdout
            self.assertTrue(pid.strip().isdigit())
            one.kill()
            self.assertIsNone(one.leader())
            one.start().wait_until_up()
            self.assertNotEqual(one.exec("cat", "/proc/sys/kernel/random/boot_id").stdout, boot)
            self.assertEqual(one.read("/var/kept"), "kept\n")
            self.assertFalse((one.root / "run/lost").exists())
            two.stop()
            self.assertIsNone(two.leader())
        self.assertFalse(directory.exists())
        for hierarchy in machines.group_hierarchies():
            self.assertEqual(list(hierarchy.glob(prefix + "*")), [])
        mounts = pathlib.Path("/proc/mounts").read_text()
        self.assertNotIn(str(directory), mounts)

    def test_what_a_killed_test_left_goes(self):
        rig = machines.Rig()
        left, prefix = rig.directory, rig.prefix
        for hierarchy in machines.group_hierarchies():
            (hierarchy / (prefix + "m") / "inner").mkdir(parents=True)
        subprocess.run(["ip", "link", "delete", machines.BRIDGE], check=True)
        rig.lock.close()  # the kernel does that when a process dies
        with machines.Rig():
            self.assertFalse(left.exists())
            for hierarchy in machines.group_hierarchies():
                self.assertEqual(list(hierarchy.glob(prefix + "*")), [])


if __name__ == "__main__":
    machines.main()
