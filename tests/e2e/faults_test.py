# SPDX-License-Identifier: Apache-2.0
"""The list of faults (docs/faults.md) on three machines with a real systemd: each ends in a named cause
or in success, and afterwards everything in invariants.py holds. By default the short of it; --long is
all of it. --seed=N. A name of a class or test, as in `NetworkFaults.test_silence_in_a_step`, tells just
that one. Needs root."""
import fault_story
from fault_clocks import ClockFaults
from fault_disks import DiskFaults
from fault_kills import KillFaults
from fault_network import NetworkFaults
from fault_services import ServiceFaults

__all__ = ["ClockFaults", "DiskFaults", "KillFaults", "NetworkFaults", "ServiceFaults"]

if __name__ == "__main__":
    fault_story.main()
