"""glrotate on a real systemd: the package, the timer, the sandbox, kills and power cuts: test_machine.py RELEASE PACKAGE FOLDER.

PACKAGE is a .deb, or a folder with one; FOLDER keeps the roots that are booted, one a release."""
import pathlib
import shutil
import socket
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "gitlab"))
from on_machine import OnMachine, main, package_in, scratch  # noqa: E402
from sim_client import ROOT, Sim  # noqa: E402

RELEASE, PACKAGE, FOLDER = sys.argv[1], package_in(sys.argv[2]), pathlib.Path(sys.argv[3]).resolve()
WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "PUSH", "value": "old-value-00000"}]}]}
POLICY = """
gitlab: {{ url: "http://{}", credential: gitlab-token }}
lifetimes: [ {{ for: "*", max_lifetime: 30d }} ]
limits: {{ settle: 1s, clock_skew: 3650d }}       # the simulator has a clock of its own
tokens:
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""
SERVICE, TIMER = "glrotate.service", "glrotate.timer"


POLKIT = """polkit.addRule(function(action, subject) {
    if (action.id.indexOf("io.systemd.credentials.") == 0 && subject.user == "glrotate")
        return polkit.Result.YES;
});
"""


def later_packages(folder, count):
    """The package, as later versions of it would be: 1, 2, …; each changes the units' descriptions."""
    tree = folder / "tree"
    subprocess.run(["dpkg-deb", "-R", PACKAGE, tree], check=True)
    control = tree / "DEBIAN" / "control"
    texts = {path: path.read_text() for path in (control, *tree.glob("usr/lib/systemd/system/glrotate.*"), *tree.glob("lib/systemd/system/glrotate.*"))}
    for later in range(1, count + 1):
        for path, text in texts.items():
            lines = text.splitlines()
            lines = [f"{line}+later{later}" if line.startswith("Version:") else f"{line}, later {later}" if line.startswith("Description=")
                     else line for line in lines]
            path.write_text("\n".join(lines) + "\n")
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", tree, folder / f"later{later}.deb"], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)


class OnSystemd(OnMachine):
    RELEASE, FOLDER = RELEASE, FOLDER

    @classmethod
    def setUpClass(cls):
        if not PACKAGE:
            raise unittest.SkipTest("there is no package: tests/package.sh builds it")
        packages = scratch()
        cls.addClassCleanup(shutil.rmtree, packages, ignore_errors=True)
        cls.BINDS = [(PACKAGE.parent, "/mnt"), (packages, "/opt"), (HERE, "/srv")]
        super().setUpClass()
        later_packages(packages, 3)
        cls.sim = Sim(WORLD)
        cls.addClassCleanup(cls.sim.close)

    # --- what the machine and GitLab are asked ---

    @classmethod
    def configure(cls):
        """What a person does once: a policy, and setup."""
        cls.machine.write("/etc/glrotate/glrotate.yaml", POLICY.format(cls.sim.address))
        return cls.set_up(ROOT)

    @classmethod
    def set_up(cls, given=""):
        """As root, with the token on standard input."""
        done = cls.machine.enter("systemd-run", "-q", "--wait", "--pipe", "--collect", "glrotate", "setup", text=given)
        assert done.returncode == 0, done
        assert ROOT not in done.stdout + done.stderr
        return done.stdout

    def drop_in(self, unit, text):
        self.machine.write(f"/etc/systemd/system/{unit}.d/test.conf", text)
        self.machine.enter("systemctl", "daemon-reload")

    def living(self):
        found = [t for t in self.sim.ask("GET", "/sim/tokens?name=push").json if t["alive"]]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def variable(self):
        return self.sim.ask("GET", "/sim/variables?owner=shop/api&key=PUSH").json[0]["value"]

    def rotations(self):
        return [r for r in self.sim.ask("GET", "/sim/requests?method=POST").json if r["path"].endswith("/rotate")]

    def start(self):
        self.machine.enter("systemctl", "start", "--no-block", SERVICE)

    def ends(self):
        # A start that is still queued is no end.
        self.machine.until(lambda: self.machine.property(SERVICE, "Job") in ("", "0") and self.machine.property(
            SERVICE, "ActiveState") not in ("activating", "active", "deactivating"), "the end of the run")

    def run_once(self):
        """To its end."""
        self.machine.enter("systemctl", "start", "--wait", SERVICE)

    def result(self):
        return self.machine.property(SERVICE, "Result")

    def fall_due(self):
        self.sim.ask("POST", "/sim/clock", {"advance": "27d"})
        self.sim.ask("DELETE", "/sim/requests")

    def heals(self):
        """Two runs after a fault all is well."""
        self.sim.ask("DELETE", "/sim/faults")
        for _ in range(2):
            self.run_once()
        self.assertEqual(self.result(), "success")
        self.assertEqual(self.variable(), self.living()["secret"])

    def break_in_mid_rotation(self, how):
        """GitLab has rotated, and its answer is on its way: what was rotated then."""
        self.fall_due()
        self.sim.fault("delay_after", method="POST", path="*/rotate")
        self.start()
        self.machine.until(lambda: any(r["outcome"] for r in self.rotations()), "the request")
        how()
        self.sim.release()

    def installs(self, package, *, described):
        """As a person does it, and systemd knows what the new units say."""
        told = self.machine.install(package)
        self.assertIn("Need to get 0 B", told)
        for unit in (SERVICE, TIMER):
            self.assertEqual(self.machine.property(unit, "NeedDaemonReload"), "no")
            self.assertEqual(self.machine.property(unit, "Description").partition(", ")[2], described)

    # --- the tests ---

    def test_a_nothing_is_started_without_a_policy(self):
        """Nor by an upgrade."""
        for package, described in ((f"/mnt/{PACKAGE.name}", ""), ("/opt/later1.deb", "later 1")):
            self.installs(package, described=described)
            self.assertEqual(self.machine.enter("systemctl", "is-enabled", TIMER).stdout.strip(), "disabled")
            self.assertEqual(self.machine.property(TIMER, "ActiveState"), "inactive")
        self.run_once()
        self.assertEqual(self.machine.property(SERVICE, "ConditionResult"), "no")

    def test_b_the_timer_rotates(self):
        # Once, at once, in place of some time within the hour.
        self.drop_in(TIMER, "[Timer]\nOnCalendar=\nOnActiveSec=1ms\nRandomizedDelaySec=0\n")
        told = self.configure()
        self.assertIn("ok   credential: token #1 of root (administrator)", told)
        self.assertEqual(self.machine.enter("systemctl", "is-enabled", TIMER).stdout.strip(), "enabled")
        self.machine.until(lambda: self.variable() == self.living()["secret"], "the rotation")
        self.ends()
        self.assertEqual(self.result(), "success")
        self.assertEqual(len(self.rotations()), 1)
        # What is started from here on is started by a test.
        self.drop_in(TIMER, "[Timer]\nOnCalendar=\nOnCalendar=2099-01-01\n")

    def test_c_the_journal_tells_the_story_and_no_secret(self):
        events = self.machine.journal("-t", "glrotate", "TOKEN_NAME=push")
        self.assertIn("HELD", [e.get("STATE") for e in events])
        self.assertTrue(all(e.get("MESSAGE_ID") for e in events), events)
        explained = self.machine.enter("journalctl", "--no-pager", "-x", "-u", SERVICE).stdout
        self.assertIn("Every destination passed its preflight", explained)
        for secret in [t["secret"] for t in self.sim.ask("GET", "/sim/tokens").json] + [ROOT]:
            self.assertNotIn(secret, explained)
            self.assertNotIn(secret.encode(), b"".join(p.read_bytes() for p in (self.work / "private").rglob("*") if p.is_file()))

    def test_d_credentials_are_encrypted_and_the_state_is_its_own(self):
        self.assertIn("glrotate.gitlab-token", self.machine.sh("ls /etc/credstore.encrypted"))
        self.assertEqual(self.machine.sh(f"grep -rl {ROOT} /etc /var/lib /run/credentials 2>/dev/null || :"), "")
        self.assertEqual(self.machine.sh("stat -c %a /var/lib/private/glrotate /etc/credstore.encrypted /etc/credstore.encrypted/*").split(),
                         ["700", "700", "600", "600"])
        self.assertNotIn("key", self.machine.sh("ls /var/lib/private/glrotate").split())

    def test_e2_another_unit_gets_its_credential_and_is_restarted(self):
        """Delivered by root, with a state of its own: the service may write no credentials and restart nobody."""
        self.machine.write("/etc/systemd/system/app.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
                           "LoadCredentialEncrypted=push\nExecStart=/bin/cp ${CREDENTIALS_DIRECTORY}/push /run/app.token\n")
        self.machine.write("/run/old", "an old one")
        self.machine.sh("systemd-creds encrypt --name=push /run/old /etc/credstore.encrypted/push; systemctl daemon-reload; "
                        "systemctl start app; grep -q 'an old one' /run/app.token; mkdir -m 700 /run/root-state; "
                        "install -m 600 /dev/null /run/root-token")
        self.machine.write("/run/root-token", ROOT, "0600")
        self.machine.write("/run/root.yaml", POLICY.format(self.sim.address).replace("credential: gitlab-token", "credential: /run/root-token")
                           .replace("[ ci_variable: PUSH ]", "[ systemd_credential: { name: push, unit: app.service, restart: yes } ]")
                           .replace("shop/api:push", "shop/app:app"))
        self.sim.ask("POST", "/sim/act", {"act": "create_project", "path": "shop/app"})
        self.sim.ask("POST", "/sim/act", {"act": "create_token", "kind": "project", "owner": "shop/app", "name": "app"})
        run = "glrotate --policy /run/root.yaml --state /run/root-state "
        self.machine.sh(run + "run; " + run + "rotate app --reason first")
        living = [t for t in self.sim.ask("GET", "/sim/tokens?name=app").json if t["alive"]]
        self.assertEqual(self.machine.sh("cat /run/app.token"), living[0]["secret"])
        self.assertEqual(self.machine.sh(f"grep -rl {living[0]['secret']} /etc /var/lib /run/root-state || :"), "")

    def test_e_by_hand_is_as_by_timer(self):
        """What root calls runs as the service's user, with its credentials and drop-ins; nothing becomes root's."""
        self.drop_in(SERVICE, "[Service]\nSetLoginEnvironment=no\nReadWritePaths=-/run/lock\n" if RELEASE != "bookworm"
                     else "[Service]\nReadWritePaths=-/run/lock\n")
        self.assertIn("all well", self.machine.sh("glrotate status --all"))
        self.assertIn("ok", self.machine.sh("glrotate check"))
        before = self.living()["id"]
        self.machine.sh("SUDO_USER=alice SUDO_UID=1000 glrotate rotate push --reason 'by hand'")
        self.assertGreater(self.living()["id"], before)
        self.assertEqual(self.variable(), self.living()["secret"])
        self.assertIn("alice", self.machine.sh("glrotate history push"))
        owners = self.machine.sh("stat -c %u /var/lib/private/glrotate /var/lib/private/glrotate/*").split()
        self.assertEqual(len(set(owners)), 1, owners)
        self.assertNotEqual(owners[0], "0")
        # Its exit code comes through; without the unit there is no credential.
        self.assertEqual(self.machine.run("glrotate", "explain", "no-such-token").returncode, 2)
        here = self.machine.run("glrotate", "--here", "check")
        self.assertNotEqual(here.returncode, 0)
        self.assertIn("belongs to user", here.stderr)

    def test_ea_the_sandbox_allows_what_setup_says(self):
        text = POLICY.format(self.sim.address).replace("ci_variable: PUSH", "ci_variable: PUSH, file: { path: /etc/deploy/push, user: daemon, "
                                                       "mode: 0400 }, systemd_credential: deployed")
        self.machine.write("/etc/glrotate/glrotate.yaml", text)
        self.machine.sh("mkdir /etc/deploy")
        told = self.set_up()
        self.assertIn("ReadWritePaths=-/etc/deploy", told)
        self.assertIn("is for polkit to say", told)
        if RELEASE != "bookworm":
            # This systemd encrypts for root, and for whom polkit allows it.
            refused = self.machine.run("glrotate", "rotate", "push", "--reason", "too early")
            self.assertEqual(refused.returncode, 3, refused)
            self.assertIn("polkit", refused.stdout + refused.stderr)
            self.machine.write("/etc/polkit-1/rules.d/50-glrotate.rules", POLKIT)
            self.machine.sh("systemctl restart polkit")  # which else reads it in its own time
        self.machine.sh("glrotate rotate push --reason 'a file'")
        self.assertEqual(self.machine.sh("cat /etc/deploy/push"), self.living()["secret"])
        self.assertEqual(self.machine.sh("stat -c '%U %a' /etc/deploy/push").split(), ["daemon", "400"])
        self.assertEqual(self.machine.sh("systemd-creds decrypt --name=deployed /etc/credstore.encrypted/deployed -"), self.living()["secret"])
        self.machine.write("/etc/glrotate/glrotate.yaml", POLICY.format(self.sim.address))
        self.assertIn("is removed", self.set_up())
        self.machine.sh("glrotate run")

    def test_eb_a_selftest_leaves_nothing(self):
        self.assertIn("cleared away: 1 token revoked, 1 variable deleted", self.machine.sh("glrotate selftest --in shop/api"))

    def test_f_the_sandbox_holds(self):
        listener = socket.create_server(("127.0.0.2", 0))  # its backlog answers
        self.addCleanup(listener.close)
        port = listener.getsockname()[1]
        # It answers at once, or never.
        probe = f"[Service]\nExecStartPre=/bin/bash /srv/probe.sh 127.0.0.2 {port} "
        self.drop_in(SERVICE, probe + "60\n")
        self.run_once()
        may = self.machine.sh("cat /var/lib/private/glrotate/probe.out")
        self.assertEqual(sorted(line for line in may.splitlines() if not line.endswith(": no")),
                         ["reach 127.0.0.2: yes", "write its own state: yes"])
        # As its comment advises who knows the addresses.
        self.drop_in(SERVICE, probe + f"1\nIPAddressAllow=\nIPAddressAllow={self.sim.address.split(':')[0]}\n")
        self.run_once()
        self.assertEqual(self.result(), "success")
        self.assertIn("reach 127.0.0.2: no", self.machine.sh("cat /var/lib/private/glrotate/probe.out"))
        self.machine.sh(f"rm -r /etc/systemd/system/{SERVICE}.d")
        self.machine.enter("systemctl", "daemon-reload")

    def kept(self):
        """All that an upgrade may not touch."""
        return self.machine.sh("find /var/lib/private/glrotate /etc/glrotate /etc/credstore.encrypted /etc/systemd -type f | sort | "
                               "xargs sha256sum; stat -c '%n %U %a' /var/lib/private/glrotate /var/lib/private/glrotate/*")

    def test_fa_an_upgrade_touches_nothing_that_is_kept(self):
        self.drop_in(SERVICE, "[Service]\nEnvironment=A_DROP_IN=1\n")
        before = self.kept()
        self.assertIn("journal.db", before)
        self.installs("/opt/later2.deb", described="later 2")
        self.assertEqual(self.kept(), before)
        self.assertEqual(self.machine.enter("systemctl", "is-enabled", TIMER).stdout.strip(), "enabled")
        self.assertEqual(self.machine.property(TIMER, "ActiveState"), "active")
        self.assertIn("A_DROP_IN=1", self.machine.property(SERVICE, "Environment"))

    def test_fb_an_upgrade_lets_a_run_go_on(self):
        def upgrade():
            before = self.machine.property(SERVICE, "InvocationID")
            self.installs("/opt/later3.deb", described="later 3")
            self.assertEqual(self.machine.property(SERVICE, "InvocationID"), before)
            self.assertEqual(self.machine.property(SERVICE, "ActiveState"), "active")
        self.break_in_mid_rotation(upgrade)
        self.ends()
        self.assertEqual(self.result(), "success")
        self.assertEqual(len(self.rotations()), 1)
        self.assertEqual(self.variable(), self.living()["secret"])

    def test_g_a_kill_in_mid_rotation_is_told_and_mended(self):
        self.break_in_mid_rotation(lambda: self.machine.enter("systemctl", "kill", "-s", "KILL", SERVICE))
        self.ends()
        self.assertEqual(self.result(), "signal")
        self.machine.until(lambda: self.machine.journal("-t", "glrotate-failed", "-p", "alert"), "the alert")
        self.heals()

    def test_h_a_power_cut_in_mid_rotation_is_mended(self):
        self.break_in_mid_rotation(self.machine.power_cut)
        self.machine.boot()
        self.heals()

    def waits(self):
        """A run that waits for what a lost answer came to."""
        self.fall_due()
        self.machine.sh("sed -i 's/settle: 1s/settle: 10m/' /etc/glrotate/glrotate.yaml")
        self.sim.fault("drop_before_commit", method="POST", path="*/rotate")
        self.start()
        self.machine.until(lambda: "waiting for 1" in self.machine.property(SERVICE, "StatusText"), "the wait")

    def test_i_a_stop_ends_it_at_a_safe_point(self):
        self.waits()
        self.machine.enter("systemctl", "stop", SERVICE)
        self.assertEqual(self.result(), "success")
        self.assertEqual(len(self.rotations()), 1)
        self.sim.ask("POST", "/sim/clock", {"advance": "20m"})
        self.heals()

    def test_ia_the_state_of_a_newer_program_is_refused(self):
        journal = self.work / "private" / "glrotate" / "journal.db"
        ours = journal.read_bytes()
        # Where SQLite keeps user_version.
        newer = ours[:60] + (99).to_bytes(4, "big") + ours[64:]
        journal.write_bytes(newer)
        for verb in ("run", "status"):
            told = self.machine.run("glrotate", verb)
            self.assertEqual(told.returncode, 3, told)
            self.assertIn("was written by a newer glrotate (format 99, this program knows ", told.stdout + told.stderr)
            self.assertIn("GLR-104", told.stdout + told.stderr)
        self.assertEqual(journal.read_bytes(), newer)
        journal.write_bytes(ours)

    def test_ib_a_static_user_takes_over(self):
        """The state of the one that systemd made up before."""
        self.machine.write("/etc/sysusers.d/glrotate.conf", 'u glrotate 851 "Rotates GitLab tokens"\nm glrotate daemon\n')
        self.machine.sh("systemd-sysusers; echo for its group >/etc/members; chgrp daemon /etc/members; chmod 640 /etc/members")
        # Newer systemd shows the service its state under another owner than the disk has.
        self.drop_in(SERVICE, "[Service]\nExecStartPre=/bin/sh -c 'cd $STATE_DIRECTORY; (cat /etc/members; id -u; stat -c %%u journal.db) >told'\n")
        before = self.living()["id"]
        self.heals()
        self.assertEqual(self.machine.sh("cat /var/lib/private/glrotate/told; rm /var/lib/private/glrotate/told"), "for its group\n851\n851\n")
        self.machine.sh("glrotate rotate push --reason 'of a static user'; glrotate check; glrotate status")
        self.assertGreater(self.living()["id"], before)
        self.assertEqual(self.variable(), self.living()["secret"])

    def test_j_removal_keeps_the_state_and_what_comes_again_goes_on_with_it(self):
        self.waits()
        self.machine.sh("DEBIAN_FRONTEND=noninteractive apt-get remove -y glrotate")
        self.assertEqual([self.machine.property(unit, "ActiveState") for unit in (SERVICE, TIMER)], ["inactive", "inactive"])
        self.assertIn("journal.db", self.machine.sh("ls /var/lib/private/glrotate"))
        self.assertEqual(len(self.rotations()), 1)
        self.installs(f"/mnt/{PACKAGE.name}", described="")
        self.assertEqual(self.machine.enter("systemctl", "is-enabled", TIMER).stdout.strip(), "enabled")
        self.assertEqual(self.machine.property(TIMER, "ActiveState"), "active")
        self.sim.ask("POST", "/sim/clock", {"advance": "20m"})
        self.heals()
        self.assertIn("sudo from alice", self.machine.sh("glrotate history push"))

    def test_k_purging_erases_it(self):
        self.machine.sh("DEBIAN_FRONTEND=noninteractive apt-get purge -y glrotate")
        self.assertEqual(list((self.work / "private").iterdir()), [])


if __name__ == "__main__":
    main()
