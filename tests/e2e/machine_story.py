# SPDX-License-Identifier: Apache-2.0
"""What stories on machines of their own have in common: one fleet for all tests of a class, kept with
everything that it wrote when one of them failed."""
import unittest

from systemd_fleet import SystemdFleet


class MachineStory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = SystemdFleet()
        cls.web, cls.repository = cls.fleet.web, cls.fleet.repository
        cls.failed = False
        try:
            cls.prepare()
        except BaseException:
            cls.fleet.close(keep=True)
            raise

    @classmethod
    def prepare(cls):
        """Everything that all tests begin with."""

    @classmethod
    def tearDownClass(cls):
        cls.fleet.close(keep=cls.failed)

    def run(self, result=None):
        before = len(result.errors) + len(result.failures)
        super().run(result)
        type(self).failed |= len(result.errors) + len(result.failures) > before
