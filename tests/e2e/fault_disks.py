# SPDX-License-Identifier: Apache-2.0
"""Disks that are full, that cannot be written, and that hold what is in the way; and no rsync."""
import contextlib
import os
import threading

from fault_story import FaultStory
from faulty_fleet import ROLE, TARGET
from fleet import Problem, eventually
from invariants import Invariants
from rootfs import RigMissing, run


AGENT = "/var/lib/rolesync-agent"


class DiskFaults(FaultStory):
    def setUp(self):
        super().setUp()
        self.web = self.fleet.web

    # -- space -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def full(self, disk):
        """One of the small disks of web-1, to its last byte and as long as this lasts: what others
        remove there is taken at once."""
        filler = self.web.root / disk.lstrip("/") / "filler"
        over = threading.Event()

        def fill():
            with open(filler, "ab", buffering=0) as file:
                while not over.wait(0.0005):
                    with contextlib.suppress(OSError):
                        while file.write(bytes(4096)) == 4096:
                            pass
        thread = threading.Thread(target=fill)
        thread.start()
        try:
            eventually(lambda: os.statvfs(filler.parent).f_bavail == 0, f"{disk} is full")
            yield
        finally:
            over.set()
            thread.join()
            filler.unlink()

    def add_small_role(self, name, **fields):
        """A role on the small disk, installed."""
        fleet, target = self.fleet, f"/small/{name}"
        fleet.add_role(name, ["service"], target, owner="app", **fields)
        fleet.assign("web-1", name)
        self.addCleanup(fleet.unassign, name)
        watched = Invariants(fleet, name, "service/", target, ["web-1"])
        fleet.sync(name)
        watched.remember(fleet.commit)
        return watched

    def test_no_space_for_staging_and_for_records(self):
        fleet, role = self.fleet, "small-space"
        watched = self.add_small_role(
            role, pre_sync_cmd=["/usr/local/bin/role-command", "activating"])
        old, new = fleet.release(payload=True)
        with self.subTest("staging"):
            with self.full("/small"):
                job = fleet.wait_for_job(fleet.start_sync(role), 120)
            self.assert_ended(job, ("failed", "disk_full"))
            self.assertEqual(self.steps_after_staging(job), [])
            watched.check(job, old)
        with self.subTest("records of the switch"):
            fleet.shut("activating")
            job_id = fleet.start_sync(role)
            fleet.wait_for_gate("activating")
            with self.full("/small"):
                fleet.open_gates()
                job = fleet.wait_for_job(job_id, 120)
            self.assert_ended(job, ("failed", "disk_full"))
            watched.check(job, old)
        self.assertEqual(watched.check(fleet.sync(role), new), {"web-1": new})
        fleet.sync_again()

    def steps_after_staging(self, job):
        return [s for s in self.fleet.task(job)["steps"]
                if s["state"] in ("activating", "restarting", "checking")]

    def test_no_space_for_the_agents_own_records(self):
        fleet, web = self.fleet, self.web
        with self.subTest("before the switch"):
            job_id, old, new = fleet.held_in("activating")
            with self.full(AGENT):
                fleet.open_gates()
                job = fleet.wait_for_job(job_id, 120)
            self.assertEqual(fleet.task(job)["reason"], "state_unwritable", job)
            self.assertEqual(fleet.watched.check(job, old, new)["web-1"], old)
            fleet.sync_again()
        with self.subTest("for the result"):
            # The server does not hear of it, the disk does not take it, and the agent dies.
            job_id, old, new = fleet.held_in("post_sync")
            with self.full(AGENT):
                web.cut()
                before = self.successes()
                fleet.open_gates()
                eventually(lambda: self.successes() > before, "web-1 ends its task alone", 60)
                web.exec("systemctl", "kill", "--kill-whom=main", "--signal=KILL",
                         "rolesync-agent")
            web.heal()
            job, ends = fleet.end(job_id, old, new)
            self.assert_ended(job, ("succeeded", ""))
            self.assertEqual(ends["web-1"], new)
            fleet.sync_again()

    def successes(self):
        return self.web.journal("-u", "rolesync-agent").count("state=succeeded")

    # -- no rsync ----------------------------------------------------------------------------------

    def test_a_host_without_rsync(self):
        fleet, web = self.fleet, self.web
        places = ("/usr/local/bin/rsync", "/usr/bin/rsync")
        for place in places:
            web.exec("mv", place, f"{place}.away")
            self.addCleanup(web.exec, "mv", f"{place}.away", place, check=False)
        with self.subTest("a small change needs none"):
            old, new = fleet.release()
            job, ends = fleet.end(fleet.start_sync(ROLE), new)
            self.assert_ended(job, ("succeeded", ""))
        with self.subTest("a large one is refused before anything is touched"):
            old, new = fleet.release(payload=True)
            job, ends = fleet.end(fleet.start_sync(ROLE), old, new)
            self.assertEqual(fleet.task(job)["reason"], "program_missing", job)
            self.assertIn("rsync", fleet.task(job)["message"])
            self.assertEqual(ends["web-1"], old)
            self.assertEqual(self.steps_after_staging(job), [])
        for place in places:
            web.exec("mv", f"{place}.away", place)
        fleet.sync_again()

    # -- what is in the way --------------------------------------------------------------------------

    def refused(self, reason, change, undo):
        """One sync while `change` is in force ends so on web-1, which stays as it was."""
        fleet = self.fleet
        old, new = fleet.release()
        change()
        try:
            job = fleet.wait_for_job(fleet.start_sync(ROLE), 120)
            self.assertEqual(fleet.task(job)["state"], "failed", job)
            self.assertEqual(fleet.task(job)["reason"], reason, job)
        finally:
            undo()
        ends = fleet.watched.check(job, old, new)
        self.assertEqual(ends["web-1"], old)
        fleet.sync_again()

    def test_a_file_system_that_became_read_only(self):
        fleet, web, role = self.fleet, self.web, "small-read-only"
        watched = self.add_small_role(role)
        old, new = fleet.release()
        # As the agent's unit shows it: a disk that the kernel itself makes read-only looks the same.
        drop_in = "/etc/systemd/system/rolesync-agent.service.d/zz-read-only.conf"

        def restart_agent():
            web.exec("systemctl", "daemon-reload")
            web.exec("systemctl", "restart", "rolesync-agent")
            fleet.wait_until_online()

        def repair():
            web.exec("rm", "-f", drop_in)
            restart_agent()
        self.addCleanup(repair)
        web.write(drop_in, "[Service]\nReadWritePaths=\nReadWritePaths=/srv\n")
        restart_agent()

        def fails_or_is_refused():
            try:
                job = fleet.wait_for_job(fleet.post(f"/api/code-sync/roles/{role}/sync",
                                                    {"approve": True})["job_id"], 120)
                self.assert_ended(job, ("failed", "read_only"))
            except Problem as refused:
                if refused.body["reason"] == "plan_stale":
                    return None  # the node's word came between plan and approval: ask again
                # It has said already that it cannot look.
                self.assertEqual(refused.body["reason"], "plan_blocked")
            return True
        eventually(fails_or_is_refused, "the sync fails, or is refused", 120)
        repair()
        self.assertEqual(watched.marker("web-1")["commit"], old)
        watched.check_tree("web-1", [old])
        self.assertEqual(watched.check(fleet.sync(role), new), {"web-1": new})
        fleet.sync_again()

    def test_an_immutable_file(self):
        target = self.web.root / TARGET.lstrip("/") / "version"

        def attribute(how):
            run("chattr", how, target)
        try:
            attribute("+i")
        except RigMissing as why:
            self.skipTest(f"this file system knows no immutable files: {why}")
        attribute("-i")
        self.addCleanup(attribute, "-i")
        self.refused("permission_denied", lambda: attribute("+i"), lambda: attribute("-i"))

    def test_a_target_that_is_a_mount_point(self):
        fleet, web, role = self.fleet, self.web, "small-mounted"
        web.exec("mkdir", "-p", "/small/mounted")
        web.exec("mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "none", "/small/mounted")
        self.addCleanup(web.exec, "umount", "-l", "/small/mounted", check=False)
        fleet.add_role(role, ["service"], "/small/mounted")
        fleet.assign("web-1", role)
        self.addCleanup(fleet.unassign, role)
        job = fleet.wait_for_job(fleet.start_sync(role), 120)
        self.assert_ended(job, ("failed", "cross_device"))
        self.assertEqual(web.exec("ls", "-A", "/small/mounted").stdout, "")
        web.exec("umount", "/small/mounted")
        fleet.sync(role)
        fleet.sync_again()

    def test_a_link_of_somebody_else_on_the_way(self):
        fleet, web = self.fleet, self.web
        web.exec("sh", "-c", "mkdir -p /srv/area /srv/other /home/nobody && chown app /srv/area && "
                 "runuser -u app -- ln -sfn /srv/other /srv/area/inside && "
                 "runuser -u app -- ln -sfn /home/nobody /srv/area/outside")
        self.addCleanup(web.exec, "rm", "-rf", "/srv/area", "/srv/other", check=False)
        for link, reason in (("inside", "symlink_in_path"), ("outside", "path_not_allowed")):
            with self.subTest(link):
                role = f"linked-{link}"
                fleet.add_role(role, ["service"], f"/srv/area/{link}/app")
                fleet.assign("web-1", role)
                job = fleet.wait_for_job(fleet.start_sync(role), 120)
                fleet.unassign(role)
                self.assert_ended(job, ("failed", reason))
                self.assertEqual(web.exec("ls", "-A", "/srv/other", "/home/nobody").stdout.split(),
                                 ["/home/nobody:", "/srv/other:"])
        web.exec("rm", "-rf", "/srv/area", "/srv/other", "/srv/.rolesync/linked-inside")
        fleet.sync_again()

    def test_programs_that_run_and_files_that_are_open(self):
        fleet, web, repository = self.fleet, self.web, self.fleet.repository
        program = (web.root / "usr/bin/sleep").read_bytes()

        def release(tail):
            repository.write("busy/program", program + tail)
            repository.machine.exec("chmod", "755", f"{repository.path}/busy/program")
            repository.write("busy/text", f"{tail}\n")
            commit = repository.commit("busy")
            fleet.pull()
            return commit
        release(b"one")
        fleet.add_role("busy", ["busy"], "/srv/busy")
        fleet.assign("web-1", "busy")
        fleet.sync("busy")
        watched = Invariants(fleet, "busy", "busy/", "/srv/busy", ["web-1"])
        web.exec("sh", "-c", "/srv/busy/program 100000 >/dev/null 2>&1 & "
                 "tail -f /srv/busy/text >/dev/null 2>&1 &")
        pids = web.exec("pgrep", "-f", "/srv/busy").stdout.split()
        self.assertEqual(len(pids), 2)
        watched.remember()
        try:
            new = release(b"two")
            self.assertEqual(watched.check(fleet.sync("busy"), new), {"web-1": new})
            # They go on with the files they had.
            self.assertEqual(web.exec("pgrep", "-f", "/srv/busy").stdout.split(), pids)
        finally:
            web.exec("kill", *pids)
            fleet.unassign("busy")
            web.exec("rm", "-r", "/srv/busy", "/srv/.rolesync/busy")
        fleet.release()
        fleet.sync_again()
