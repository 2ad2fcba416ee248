"""glrotate --user: what root has under /etc and /var/lib a person without root has in their home, set up once and run by hand.

Run as an unprivileged user; systemd's programs are stubs here, tests/machine/test_user.py has the real ones."""
import datetime
import os
import pathlib
import pwd
import shutil
import stat
import subprocess
import tempfile
import unittest

from harness import DEADLINE, GLROTATE, ROOT, Ended, Sim

STUBS = {"systemctl": """
[ ! -e "$HOME/no-manager" ] || exit 1
case $* in
*show-environment) cat "$HOME/manager" ;;
*LoadState*) echo loaded ;;
*PrivateUsers*) cat "$HOME/private-users" ;;
esac
""", "systemd-run": """
[ ! -e "$HOME/no-namespaces" ] || { echo "Job failed" >&2; exit 1; }
""", "loginctl": """
case $* in
show-user*) cat "$HOME/linger" ;;
*) [ ! -e "$HOME/no-linger" ] || { echo "Could not enable linger: Access denied" >&2; exit 1; }; echo yes >"$HOME/linger" ;;
esac
"""}
WORLD = {"projects": [{"path": "shop/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}],
                       "variables": [{"key": "PUSH", "value": "old-value-00000"}]}]}
TOKENS = """limits: { clock_skew: 3650d }
tokens:
  - token: project:shop/api:push
    deliver: [ %s ]
"""
ENABLE = "systemctl --user enable --now glrotate.timer"


class Person(unittest.TestCase):
    def setUp(self):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.sim = Sim(WORLD, clock=now)  # as this machine's: nobody has edited the policy yet
        self.addCleanup(self.sim.close)
        is_root = os.geteuid() == 0
        # What root's tests write may be closed to others.
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="glrotate-user-", dir="/tmp" if is_root else None))
        self.addCleanup(shutil.rmtree, self.path)
        self.home = self.path / "home"
        self.person = pwd.getpwnam("nobody") if is_root else pwd.getpwuid(os.geteuid())
        self.program = shutil.copy(GLROTATE, self.path / "glrotate")
        for name, text in STUBS.items():
            file = self.path / "bin" / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(f'#!/bin/sh\necho "{name} $*" >>"$HOME/asked"\n{text}')
        self.home.mkdir()
        (self.home / "manager").write_text(f"HOME={self.home}\n")
        (self.home / "private-users").write_text("yes\n")
        subprocess.run(["chmod", "-R", "a+rx", self.path], check=True)
        if is_root:
            subprocess.run(["chown", "-R", "nobody", self.home], check=True)
        self.config, self.state = self.home / ".config" / "glrotate", self.home / ".local" / "state" / "glrotate"
        self.policy, self.token = self.config / "glrotate.yaml", self.config / "gitlab-token"

    def call(self, *words, given="", as_root=False, **environment):
        environment = {"PATH": f"{self.path}/bin:{os.environ['PATH']}", "HOME": str(self.home), **environment}
        environment.update({k: v for k, v in os.environ.items() if "SAN_OPTIONS" in k})
        who = {} if as_root or os.geteuid() else {"user": self.person.pw_uid, "group": self.person.pw_gid, "extra_groups": []}
        done = subprocess.run([self.program, *words], input=given, capture_output=True, text=True, cwd=self.home, timeout=DEADLINE,
                              env={k: v for k, v in environment.items() if v is not None}, check=False, **who)
        for secret in [ROOT, *(t["secret"] for t in self.sim.ask("GET", "/sim/tokens?name=push").json)]:
            self.assertNotIn(secret, done.stdout + done.stderr + "\n".join(self.asked()))
        self.assertNotRegex(done.stderr, "Sanitizer|runtime error")
        return Ended(done.returncode, done.stdout, done.stderr)

    def done(self, *words, code=0, **how):
        ended = self.call(*words, **how)
        self.assertEqual(ended.code, code, ended)
        return ended.out

    def setup(self, *words, given=ROOT, **how):
        return self.done("setup", "--user", "--url", "http://" + self.sim.address, *words, given=given, **how)

    def asked(self):
        file = self.home / "asked"
        return file.read_text().splitlines() if file.exists() else []

    def mode(self, *files):
        return [stat.S_IMODE(file.stat().st_mode) for file in files]

    def deliver(self, destination="ci_variable: PUSH", policy=None):
        file = policy or self.policy
        file.write_text(file.read_text().split("limits:")[0] + TOKENS % destination)

    def everything(self):
        return {str(p.relative_to(self.home)): (p.stat().st_ino, p.read_bytes()) for p in self.home.rglob("*")
                if p.is_file() and p.name != "asked"}

    def test_all_of_it_from_nothing_and_again(self):
        told = self.setup()
        for words in (f"policy: {self.policy} is written", f"token: kept in {self.token}, as it is, for its owner alone",
                      f"state: {self.state} is made, for {self.person.pw_name} alone", "key: the first run makes the file 'key' there",
                      "ok   credential: token #1 of root (administrator)", "linger: turned on", "timer: glrotate.timer is enabled and started"):
            self.assertIn(words, told)
        self.assertEqual(self.token.read_text(), ROOT)
        self.assertEqual(self.mode(self.config, self.state, self.state.parent, self.policy, self.token), [0o700, 0o700, 0o700, 0o600, 0o600])
        self.assertEqual([p.stat().st_uid for p in (self.policy, self.token, self.state)], [self.person.pw_uid] * 3)
        self.assertEqual(self.asked()[-3:], ["loginctl show-user --value --property=Linger " + self.person.pw_name,
                                             "loginctl --no-ask-password enable-linger " + self.person.pw_name, ENABLE])
        before = self.everything()
        for given in ("", ROOT):
            again = self.setup(given=given)
            for words in (f"token: {self.token} is there", f"state: {self.state} is there", "linger: it is on"):
                self.assertIn(words, again)
        self.assertEqual(self.everything(), before)
        self.assertEqual(sum("enable-linger" in line for line in self.asked()), 1)

    def test_by_hand_is_as_by_timer(self):
        """The same person, token, state and key: nothing is started in between."""
        self.setup()
        self.deliver()
        asked = self.asked()
        self.assertIn("rotated 1 token", self.done("--user", "run"))
        # As its unit starts it, whatever the environment says of other states.
        self.done("--user", "--policy", str(self.policy), "run", STATE_DIRECTORY=str(self.path / "another"))
        living = [t for t in self.sim.ask("GET", "/sim/tokens?name=push").json if t["alive"]]
        self.assertEqual([v["value"] for v in self.sim.ask("GET", "/sim/variables?owner=shop/api&key=PUSH").json], [living[0]["secret"]])
        self.assertIn("push", self.done("status", "--all", "--user"))
        self.assertIn(self.person.pw_name, self.done("history", "--user"))
        self.assertEqual(self.mode(self.state / "key", self.state / "journal.db"), [0o600, 0o600])
        self.assertEqual((self.asked(), sorted(p.name for p in self.state.parent.iterdir())), (asked, ["glrotate"]))
        self.assertIn(f"key: {self.state}/key is there", self.setup(given=""))

    def test_another_policy_of_the_folder_is_an_instance(self):
        self.setup()
        other = self.config / "saas.yaml"
        told = self.setup("--policy", str(other))
        self.assertIn("timer: glrotate@saas.timer is enabled and started", told)
        self.assertEqual((self.config / "saas.gitlab-token").read_text(), ROOT)
        self.deliver(policy=other)
        self.done("--user", "--policy", f"{self.config}//saas.yaml", "run")
        self.assertTrue((self.state.parent / "glrotate-saas" / "journal.db").exists())
        self.assertFalse((self.state / "journal.db").exists())
        # What is no unit's name is nobody's.
        self.assertIn("no unit of systemd runs this policy", self.setup("--policy", str(self.config / "a b.yaml")))

    def test_folders_are_those_of_the_environment(self):
        config, state = self.path / "home" / "c", self.path / "home" / "s"
        there = {"XDG_CONFIG_HOME": f"{config}/", "XDG_STATE_HOME": str(state)}
        ended = self.call("setup", "--user", given=ROOT, **there)
        self.assertEqual((ended.code, "your user manager means the folders" in ended.err), (2, True), ended)
        (self.home / "manager").write_text(f"HOME={self.home}\n" + "".join(f"{k}={v}\n" for k, v in there.items()))
        self.setup(**there)
        # The unit does not know that folder.
        self.assertIn(f"ReadWritePaths=-{state}/glrotate\n", (config / "systemd/user/glrotate.service.d/50-destinations.conf").read_text())
        self.done("run", "--user", **there, HOME=None)
        self.assertEqual(sorted(p.name for p in self.home.iterdir() if not p.is_file() and p.name != ".cache"), ["c", "s"])
        self.assertTrue((state / "glrotate" / "journal.db").exists())

    def test_what_the_environment_cannot_mean_is_told(self):
        for how, words in (({"HOME": None}, "where is your home?"), ({"HOME": ""}, "where is your home?"),
                           ({"HOME": "here"}, "$HOME is 'here'"), ({"XDG_CONFIG_HOME": ".config"}, "$XDG_CONFIG_HOME is '.config'"),
                           ({"XDG_STATE_HOME": "state"}, "$XDG_STATE_HOME is 'state'")):
            for verb in (["status"], ["check", "--offline"], ["setup"]):
                ended = self.call("--user", *verb, **how)
                self.assertEqual((ended.code, words in ended.err), (2, True), (how, ended))
        self.assertIn("glrotate setup --user", self.call("setup").err)
        self.assertIn("another one is for calls by hand", self.call("setup", "--user", "--state", "/tmp/x").err)

    @unittest.skipIf(os.geteuid(), "only root is root")
    def test_root_is_refused(self):
        for verb in (["run"], ["setup"], ["status"]):
            ended = self.call("--user", *verb, as_root=True)
            self.assertEqual((ended.code, "root has the system's service" in ended.err), (2, True), ended)

    def test_who_may_not_linger_is_told_what_root_says(self):
        (self.home / "no-linger").write_text("")
        told = self.setup(code=3)
        self.assertIn("Access denied", told)
        self.assertIn(f"    loginctl enable-linger {self.person.pw_name}\n", told)
        self.assertIn("only while", told)
        self.assertEqual(self.asked()[-1], ENABLE)
        (self.home / "linger").write_text("yes\n")
        self.setup(given="")

    def test_who_did_not_log_in_gets_a_manager_by_lingering(self):
        (self.home / "no-manager").write_text("")
        starts = self.path / "bin" / "loginctl"
        starts.write_text(starts.read_text() + 'rm -f "$HOME/no-manager"\n')
        self.assertIn("linger: it is on", self.setup())
        self.assertEqual(self.asked()[-1], ENABLE)

    def test_without_a_user_manager_it_says_what_cron_does(self):
        for name in ("no-manager", "no-linger"):
            (self.home / name).write_text("")
        told = self.setup()
        self.assertIn(f"have root say `loginctl enable-linger {self.person.pw_name}`", told)
        self.assertEqual(self.asked(), ["systemctl --user show-environment", f"loginctl --no-ask-password enable-linger {self.person.pw_name}"])
        line = told.split("17 * * * * ")[1].splitlines()[0]
        self.deliver()
        self.program, words = "/bin/sh", ["-c", line]
        self.assertIn("rotated 1 token", self.done(*words, PATH="/usr/bin:/bin"))

    def test_a_manager_that_cannot_shut_in_is_told_before_the_timer_starts(self):
        (self.home / "no-namespaces").write_text("")
        ended = self.call("setup", "--user", "--url", "http://" + self.sim.address, given=ROOT)
        self.assertEqual((ended.code, "WITHOUT ROOT, has a drop-in" in ended.err), (3, True), ended)
        self.assertNotIn(ENABLE, self.asked())
        (self.home / "private-users").write_text("no\n")
        self.setup()
        self.assertIn(ENABLE, self.asked())

    def test_the_sandbox_allows_what_is_the_persons(self):
        self.setup()
        self.deliver(f"file: {{ path: {self.home}/deploy/token, user: {self.person.pw_name} }}")
        (self.home / "deploy").mkdir()
        os.chown(self.home / "deploy", self.person.pw_uid, -1)
        self.setup()
        drop_in = self.home / ".config/systemd/user/glrotate.service.d/50-destinations.conf"
        wanted = ["[Service]", f"ReadWritePaths=-{self.state}", f"ReadWritePaths=-{self.home}/deploy"]
        self.assertEqual([line for line in drop_in.read_text().splitlines()[1:] if line != "PrivateTmp=no"], wanted)
        self.assertIn("systemctl --user daemon-reload", self.asked())
        for destination in (f"file: {{ path: {self.home}/deploy/token, user: root }}", "systemd_credential: push"):
            self.deliver(destination)
            ended = self.call("setup", "--user")
            self.assertEqual((ended.code, "is root's to write" in ended.err), (2, True), ended)

    def test_a_credential_of_systemd_is_not_given_by_hand(self):
        self.setup()
        self.policy.write_text(self.policy.read_text().replace(str(self.token), "gitlab-token"))
        ended = self.call("setup", "--user")
        self.assertEqual((ended.code, f"`credential: {self.token}`" in ended.err), (2, True), ended)

    def test_a_dry_run_does_nothing(self):
        before = self.everything()
        told = self.setup("--dry-run", given="")
        for words in ("policy: would write a minimal", f"and keep it in {self.token}", f"state: would make the folder {self.state}",
                      "check: would run glrotate check\n", "linger: would have", "timer: would enable and start glrotate.timer"):
            self.assertIn(words, told)
        self.assertEqual(self.everything(), before)
        self.assertEqual([line for line in self.asked() if "enable" in line or "systemd-run" in line], [])


if __name__ == "__main__":
    unittest.main()
