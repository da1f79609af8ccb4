# SPDX-License-Identifier: Apache-2.0
"""`rolesync doctor`: says what is wrong between a shell and a working server, one by one."""
import json
import os
import subprocess
import unittest

from fleet import BIN, Fleet


class Doctor(unittest.TestCase):
    def setUp(self):
        self.fleet = Fleet(agents=0, tls=True)
        self.addCleanup(self.fleet.close)

    def doctor(self, **environment):
        """(exit code, level of each check, the whole answer)"""
        done = subprocess.run(
            [BIN / "rolesync", "-o", "json", "doctor"], capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "HOME": str(self.fleet.directory),
                 "ROLESYNC_URL": self.fleet.url, "ROLESYNC_TOKEN": self.fleet.token,
                 "ROLESYNC_CA": str(self.fleet.state / "secrets/ca.crt"), **environment})
        answer = json.loads(done.stdout)
        return done.returncode, {c["check"]: c["level"] for c in answer["checks"]}, answer

    def test_finds_what_is_wrong(self):
        code, checks, answer = self.doctor()
        self.assertEqual((code, checks), (1, {"connection": "fail"}), answer)
        self.fleet.start_server()
        code, checks, answer = self.doctor()
        self.assertEqual(code, 0, answer)
        for check in ("connection", "clock", "version", "token", "server.store", "server.engine",
                      "server.plugins", "server.certificate"):
            self.assertEqual(checks[check], "ok", answer)
        self.assertEqual(checks["server.sources"], "warn", answer)  # none is set

        code, checks, answer = self.doctor(ROLESYNC_TOKEN="rst_wrong")
        self.assertEqual((code, checks["token"]), (1, "fail"), answer)
        self.assertEqual(checks["server.store"], "ok", answer)

        self.fleet.put("/api/code-source", {"transport": "file", "repository": "/etc"})
        self.fleet.request("POST", "/api/code-sync/pull", {})
        code, checks, answer = self.doctor()
        self.assertEqual((code, checks["source.main"]), (0, "warn"), answer)

        other = self.fleet.directory / "other"
        self.fleet._run(BIN / "rolesync-server", "init", "--config", other / "server.toml",
                        "--state-dir", other, "--listen", "127.0.0.1:1", "--tls")
        code, checks, answer = self.doctor(ROLESYNC_CA=str(other / "secrets/ca.crt"))
        self.assertEqual((code, checks), (1, {"connection": "fail"}), answer)
        self.assertIn("certificate_untrusted", str(answer))

    def test_a_clock_that_is_wrong_is_named(self):
        self.fleet.start_server()
        faketime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
        if not os.path.exists(faketime):
            self.skipTest("no libfaketime")
        code, checks, answer = self.doctor(LD_PRELOAD=faketime, FAKETIME="-10m")
        self.assertEqual((code, checks["clock"]), (1, "fail"), answer)


if __name__ == "__main__":
    unittest.main()
