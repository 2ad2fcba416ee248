"""glrotate --user on a real systemd: a person without root sets it up, and their own timer rotates: test_user.py RELEASE PACKAGE FOLDER.

The arguments are those of test_machine.py."""
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "gitlab"))
from on_machine import OnMachine, main, package_in  # noqa: E402
from sim_client import ROOT, Sim  # noqa: E402

RELEASE, PACKAGE, FOLDER = sys.argv[1], package_in(sys.argv[2]), pathlib.Path(sys.argv[3]).resolve()
WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "PUSH", "value": "old-value-00000"}]}]}
ALICE = "alice"
HOME = "/home/" + ALICE
CONFIG, STATE, UNITS = HOME + "/.config/glrotate", HOME + "/.local/state/glrotate", HOME + "/.config/systemd/user"
POLICY = f"""
gitlab: {{ url: "http://%s", credential: {CONFIG}/gitlab-token }}
lifetimes: [ {{ for: "*", max_lifetime: 90d }} ]
limits: {{ settle: 1s, clock_skew: 3650d }}       # the simulator has a clock of its own
"""
TOKENS = """tokens:
  - token: project:shop/api:push
    deliver: [ %s ]
"""
SERVICE, TIMER = "glrotate.service", "glrotate.timer"
# What a process of the unit may do, a line each.
PROBE = f"""try() {{
    what=$1
    shift
    "$@" >/dev/null 2>&1 && echo "$what: yes" || echo "$what: no"
}}
{{
    try "write at home" touch {HOME}/probe
    try "write beside the policy" touch {CONFIG}/probe
    try "write its own state" touch {STATE}/probe
    try "write where all may" touch /run/everybody/probe
    try "see what others keep in /tmp" test -e /tmp/others
    try "become root" setpriv --reuid=0 true
    try "be asked for a password" su -c true
    try "make namespaces" unshare --user true
    try "change the host's name" hostname probe
    try "see a disk" sh -c 'ls /dev | grep -q tty0'
    try "keep a core" bash -c '[ "$(ulimit -c)" != 0 ]'
}} >{STATE}/probe.out
"""


class ForAPerson(OnMachine):
    RELEASE, FOLDER = RELEASE, FOLDER

    @classmethod
    def setUpClass(cls):
        if not PACKAGE:
            raise unittest.SkipTest("there is no package: tests/package.sh builds it")
        cls.BINDS = [(PACKAGE.parent, "/mnt")]
        super().setUpClass()
        cls.sim = Sim(WORLD)
        cls.addClassCleanup(cls.sim.close)
        cls.machine.sh(f"dpkg -i /mnt/{PACKAGE.name}; useradd --create-home --home-dir {HOME} --shell /bin/sh {ALICE}; "
                       "mkdir -m 1777 /run/everybody; touch /tmp/others")

    # --- what alice does, and what GitLab is asked ---

    def alice(self, script, text="", code=0):
        """In a shell that root gave her: no session, and root's XDG_RUNTIME_DIR."""
        done = self.machine.run("-p", f"User={ALICE}", "sh", "-ec",
                                f"unset INVOCATION_ID; export XDG_RUNTIME_DIR=/run; cd; {script}", text=text)
        self.assertEqual(done.returncode, code, f"{script}\n{done.stdout}{done.stderr}")
        for secret in [t["secret"] for t in self.sim.ask("GET", "/sim/tokens").json] + [ROOT]:
            self.assertNotIn(secret, done.stdout + done.stderr)
        return done.stdout

    def manager(self, *words, code=0):
        """Her user manager's answer."""
        runtime = "export XDG_RUNTIME_DIR=/run/user/$(id -u)"
        return self.alice(f"{runtime}; {' '.join(words)}", code=code)

    def write(self, path, text, mode="0644"):
        self.alice(f"mkdir -p $(dirname {path}); umask 077; cat >{path}; chmod {mode} {path}", text=text)

    def property(self, unit, name):
        return self.manager("systemctl --user show --value -p", name, unit).strip()

    def start(self, unit=SERVICE, result="success"):
        """A run to its end, as the timer starts it."""
        self.manager("systemctl --user daemon-reload; systemctl --user start", unit, "|| :")
        self.machine.until(lambda: self.property(unit, "ActiveState") in ("inactive", "failed"), f"the end of {unit}")
        self.assertEqual(self.property(unit, "Result"), result, self.manager("journalctl --user -n 40 --no-pager"))

    def living(self):
        found = [t for t in self.sim.ask("GET", "/sim/tokens?name=push").json if t["alive"]]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def variable(self):
        return self.sim.ask("GET", "/sim/variables?owner=shop/api&key=PUSH").json[0]["value"]

    # --- the tests ---

    def test_a_the_package_starts_nothing_for_anybody(self):
        for unit in (TIMER, SERVICE):
            self.assertNotEqual(self.machine.enter("systemctl", "--global", "is-enabled", unit).stdout.strip(), "enabled")
        self.assertIn("root has the system's service", self.machine.run("glrotate", "setup", "--user").stderr)

    def test_b_a_person_sets_it_up_and_their_timer_rotates(self):
        self.write(CONFIG + "/glrotate.yaml", POLICY % self.sim.address + TOKENS % "ci_variable: PUSH")
        # Once, at once, in place of some time within the hour.
        self.write(f"{UNITS}/{TIMER}.d/now.conf", "[Timer]\nOnCalendar=\nOnActiveSec=1ms\nRandomizedDelaySec=0\n")
        told = self.alice("glrotate setup --user", text=ROOT)
        self.assertIn("ok   credential: token #1 of root (administrator)", told)
        if not self.machine.sh("command -v pkcheck || :"):
            # Without polkit nobody may linger by themselves: root types what is told.
            self.assertIn("loginctl enable-linger alice", told)
            self.assertIn("17 * * * * /usr/bin/glrotate --policy", told)
            self.machine.sh("loginctl enable-linger alice")
            self.machine.until(lambda: self.machine.sh("ls -d /run/user/*/systemd/private 2>/dev/null || :"), "her user manager")
            told = self.alice("glrotate setup --user")
        self.assertIn("linger: it is on", told)
        self.assertIn(f"timer: {TIMER} is enabled and started", told)
        self.machine.until(lambda: self.variable() == self.living()["secret"], "the rotation")
        self.machine.until(lambda: self.property(SERVICE, "ActiveState") == "inactive", "the end of the run")
        self.assertEqual(self.property(SERVICE, "Result"), "success")
        rotations = [r for r in self.sim.ask("GET", "/sim/requests?method=POST").json if r["path"].endswith("/rotate")]
        self.assertEqual(len(rotations), 1)
        self.assertIn("is there", self.alice("glrotate setup --user"))

    def test_c_her_journal_tells_the_story(self):
        told = self.manager("journalctl --user --no-pager -o cat --output-fields=STATE,MESSAGE_ID,MESSAGE -u", SERVICE)
        self.assertIn("HELD", told)
        self.assertIn("rotated 1 token", told)
        self.assertIn("Every destination passed its preflight", self.manager("journalctl --user --no-pager -x -u", SERVICE))

    def test_d_by_hand_is_as_by_timer(self):
        before = self.living()["id"]
        self.assertIn("all well", self.alice("glrotate --user status --all"))
        self.alice("glrotate --user rotate push --reason 'by hand'")
        self.assertGreater(self.living()["id"], before)
        self.assertEqual(self.variable(), self.living()["secret"])
        history = self.alice("glrotate --user history push")
        self.assertIn("timer", history)
        self.assertIn(ALICE, history)
        self.assertEqual(set(self.machine.sh(f"find {HOME} -printf '%u\n'").split()), {ALICE})
        self.assertEqual(self.machine.sh(f"stat -c %a {STATE} {STATE}/key {STATE}/journal.db {CONFIG}/gitlab-token").split(),
                         ["700", "600", "600", "600"])
        self.assertEqual(self.machine.sh("ls -A /var/lib/private; ls -d /var/lib/glrotate 2>/dev/null || :"), "")
        # What she rotated her service goes on with.
        self.start()

    def test_e_the_sandbox_holds(self):
        self.write(HOME + "/probe.sh", PROBE)
        self.write(f"{UNITS}/{SERVICE}.d/probe.conf", f"[Service]\nExecStartPre=/bin/bash {HOME}/probe.sh\n")
        self.start()
        may = self.alice(f"cat {STATE}/probe.out; rm {UNITS}/{SERVICE}.d/probe.conf")
        self.assertEqual([line for line in may.splitlines() if not line.endswith(": no")], ["write its own state: yes"], may)
        self.assertEqual(len(may.splitlines()), 11)

    def test_f_it_writes_into_the_folder_that_setup_names(self):
        self.write(CONFIG + "/glrotate.yaml", POLICY % self.sim.address + TOKENS % f"ci_variable: PUSH, file: {HOME}/deploy/push")
        self.alice("mkdir deploy")
        self.assertIn(f"ReadWritePaths=-{HOME}/deploy", self.alice("glrotate setup --user"))
        self.sim.ask("POST", "/sim/clock", {"advance": "85d"})
        self.start()
        self.assertEqual(self.machine.sh(f"cat {HOME}/deploy/push"), self.living()["secret"])

    def test_g_another_policy_has_a_unit_of_its_own(self):
        self.write(CONFIG + "/saas.yaml", POLICY % self.sim.address)
        self.assertIn("glrotate@saas.timer is enabled and started", self.alice(f"glrotate setup --user --policy {CONFIG}/saas.yaml"))
        self.start("glrotate@saas.service")
        self.assertIn("journal.db", self.alice(f"ls {STATE}-saas"))

    def test_h_a_failure_is_told(self):
        self.write(CONFIG + "/glrotate.yaml", "gitlab: nowhere\n")
        self.start(result="exit-code")
        self.machine.until(lambda: "is not valid" in self.manager("journalctl --user --no-pager -o cat -p alert -t glrotate-failed"),
                           "the alert")

    def test_i_without_namespaces_the_manuals_drop_in_helps(self):
        self.write(CONFIG + "/glrotate.yaml", POLICY % self.sim.address + TOKENS % "ci_variable: PUSH")
        self.machine.write("/etc/systemd/system/user@.service.d/none.conf", "[Service]\nRestrictNamespaces=~user\n")
        self.machine.sh(f"systemctl daemon-reload; systemctl restart user@$(id -u {ALICE}).service")
        self.machine.until(lambda: self.machine.sh("ls -d /run/user/*/systemd/private 2>/dev/null || :"), "her user manager")
        told = self.alice("glrotate setup --user 2>&1", code=3)
        self.assertIn("cannot shut a service in", told)
        manual = (HERE.parent.parent / "agent" / "glrotate.8.scd").read_text(encoding="utf-8")
        drop_in = manual.split("edit glrotate.service*:\n\n```\n")[-1].split("```")[0]
        self.assertIn("PrivateUsers=no", drop_in)
        self.write(f"{UNITS}/{SERVICE}.d/override.conf", drop_in)
        self.manager("systemctl --user daemon-reload")
        self.alice("glrotate setup --user")
        self.start()


if __name__ == "__main__":
    main()
