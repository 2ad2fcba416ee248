"""What must not pass in silence: orders that come to nothing, tokens that nobody renews, our own credential's end, and what a run would
refuse."""
import shutil

from harness import HERE, Case, day, main
from replaced import DeployCase


def rights(**more):
    return {"name": "ci-b", "secret": "glpat-ci-b-000000000", "created": "-10d", "expires": "+5d", "scopes": ["api"],
            "access_level": "owner", **more}


class Fleet(Case):
    """One token of a fleet may do more than its entry keeps alive."""
    world = {"projects": [{"path": "shop/web", "tokens": [rights()]}]}
    tokens = """
  - token: "project:shop/*:ci-*"
    level_at_most: maintainer
    deliver: [ ci_variable: "{name:key}" ]
"""
    address = "project:shop/web:ci-b"
    clock = HERE

    def test_an_order_of_one_that_is_not_managed_is_refused_aloud_and_remembered(self):
        ended = self.host.run("rotate", self.address, "--reason", "leaked in log")
        self.needs_person(ended, "GLR-132")
        self.assertIn(f"{self.address}: NOT rotated: not managed: it is owner, above level_at_most", ended.err)
        self.assertEqual(self.changes(), [])
        event = [e for e in self.host.run("history", "--json").json["events"] if e["event"] == "order.refused"]
        self.assertEqual([(e["token"], e["reason"]) for e in event], [(self.address, "leaked in log")])

    def test_one_that_is_not_managed_is_named_by_check_plan_run_and_status(self):
        why = "not managed: it is owner, above level_at_most"
        self.assertRegex(self.exits(0, "check").out, rf"(?m)^warn token {self.address}: #\d+, {why}: nobody renews it, and it dies ")
        planned = self.exits(0, "plan").out
        self.assertIn("1 is not managed", planned)
        self.assertRegex(planned, rf"(?m)^{self.address} +unmanaged ")
        self.assertIn(f"{self.address}: {why}; it dies {day(5)}, and nobody renews it", self.exits(0, "run").err)
        self.assertEqual(self.exits(0, "run").err, "")  # once
        for verb in (("status",), ("status", "--all")):
            told = self.exits(0, *verb).out
            self.assertIn("1 token: 1 not managed\n", told)
            self.assertIn(why, told)

    def test_an_alert_tells_when_one_that_is_not_managed_is_about_to_die(self):
        file = self.host.path / "glrotate.yaml"
        file.write_text(file.read_text() + "alerts: [ exec: { run: [ /bin/true ], when: margin } ]\n")
        self.exits(0, "run")
        self.assertRegex(self.exits(0, "alert").out, f"{self.address}: the token is about to die, and nobody renews it; told ")


class OwnEnd(Case):
    """The credential that glrotate uses has an end, and the policy does not say that it rotates itself."""
    secret = "glpat-keeper-0000000"
    clock = HERE
    options = {"credential": secret}

    def lives(self, span):
        self.doCleanups()
        self.world = {"users": [{"username": "keeper", "admin": True, "tokens": [
            {"name": "own", "secret": self.secret, "created": "-355d", "expires": span, "scopes": ["api"]}]}]}
        self.setUp()
        file = self.host.path / "glrotate.yaml"
        file.write_text(file.read_text() + "alerts: [ exec: { run: [ /bin/true ] } ]\n")

    def test_its_end_is_told_while_it_lives(self):
        for span, days, code in (("+10d", 10, 0), ("+2d", 2, 3)):
            with self.subTest(span):
                self.lives(span)
                words = rf"our own credential #\d+ dies {day(days)} 00:00 UTC \(in .*\), and nobody renews it"
                self.assertRegex(self.exits(0, "check").out, f"(?m)^warn credential: {words} \\(GLR-133\\)$")
                self.assertRegex(self.exits(0, "run").err, words)
                told = self.exits(code, "status")
                self.assertRegex(told.out, words)
                self.assertIn("GLR-133", told.out)
                self.assertEqual(self.host.run("status", "--health").code, code)
                self.assertEqual("about to die" in self.exits(0, "alert").out, span == "+2d")

    def test_nothing_is_said_when_it_lives_long_or_rotates_itself(self):
        self.lives("+20d")
        self.assertNotIn("nobody renews", self.exits(0, "check").out + self.exits(0, "run").err + self.exits(0, "status").out)
        self.lives("+10d")
        file = self.host.path / "glrotate.yaml"
        file.write_text(file.read_text().replace("lifetimes:", "  rotate: yes\nlifetimes:"))
        self.assertNotIn("nobody renews", self.exits(0, "check").out + self.exits(0, "run").err + self.exits(0, "status").out)


class Ordered(DeployCase):
    """While the old and the new one live side by side, either may be the one that leaked."""

    def ends_whole(self):
        self.advance("25h")
        self.settles()
        self.is_finished()

    def test_an_order_within_the_overlap_ends_the_old_one_and_replaces_the_new_one(self):
        self.exits(0, "run")
        first = self.value()
        self.assertTrue(self.old_lives())
        ended = self.exits(0, "rotate", self.address, "--reason", "leaked")
        self.assertRegex(ended.out, r"rotated 1 token.*retired 1 old token")
        self.assertFalse(self.old_lives())
        self.assertNotEqual(self.value(), first)
        self.assertEqual(len(self.alive_now()), 2)  # the new one, and the one that it replaces
        cut, = [e for e in self.host.run("history", "--json").json["events"] if e["event"] == "overlap.cut"]
        self.assertEqual(cut["reason"], "leaked")
        self.ends_whole()

    def test_an_order_that_finds_the_old_one_in_the_way_says_so(self):
        """What cannot be retired now is said, and the next run goes on with it."""
        self.exits(0, "run")
        self.sim.fault("status", method="DELETE", path=self.end, times=0, status=503)
        ended = self.host.run("rotate", self.address, "--reason", "leaked")
        self.assertEqual(ended.code, 3, ended)
        self.assertIn("NOT rotated: its rotation stands at RETIRING", ended.err)
        self.clear_faults()
        self.settles()
        self.is_finished()


class Refused(Case):
    """What a run would refuse, check and plan say before."""
    clock = HERE
    world = {"projects": [
        {"path": "shop/api",
         "tokens": [{"name": "push", "secret": "glpat-push-old-000000", "created": "-85d", "expires": "+5d"}],
         "variables": [{"key": "PUSH", "value": "glpat-push-old-000000"}],
         "deploy_tokens": [{"name": "gitlab-deploy-token", "username": "slot", "secret": "gldt-slot-0000000000",
                            "scopes": ["read_registry"], "expires": "+80d"}]}]}
    address = "project:shop/api:push"

    def setUp(self):
        super().setUp()
        self.file = self.host.path / "push"
        self.host.set_tokens(f"  - token: {self.address}\n    deliver: [ ci_variable: PUSH, file: {self.file} ]\n")

    def plans_a_person(self, address, words, code):
        planned = self.exits(3, "plan")
        self.assertRegex(planned.out, rf"(?m)^{address} +person ")
        self.assertRegex(planned.out, rf"(?m)^  why .*{words}.*; see {code}$")

    def test_places_that_another_glrotate_wrote(self):
        self.exits(0, "run")
        self.assertNotIn("cannot", self.exits(0, "check").out + self.exits(0, "explain", self.address).out)
        self.advance("84d")
        shutil.move(self.host.state, self.host.path / "other")
        self.host.state.mkdir(mode=0o700)
        checked = self.exits(3, "check").out
        for place in ("ci_variable shop/api PUSH \\*", f"file {self.file}"):
            self.assertRegex(checked, rf"(?m)^FAIL {place}: cannot: another glrotate wrote it last.*\(GLR-107\)$")
        self.plans_a_person(self.address, "another glrotate wrote it last", "GLR-107")
        self.assertIn("cannot: another glrotate wrote it last", self.host.run("explain", self.address).out)
        self.forget_requests()
        self.needs_person(self.host.run("run"), "GLR-107")
        self.assertEqual(self.asked("POST", "/rotate$"), [])

    def test_places_that_know_more_than_the_journal(self):
        self.exits(1, "run", "--limit", "0")
        shutil.copytree(self.host.state, self.host.path / "backup")
        self.exits(0, "run")
        shutil.rmtree(self.host.state)
        shutil.move(self.host.path / "backup", self.host.state)
        self.assertRegex(self.exits(3, "check").out, r"(?m)^FAIL file .*: cannot: its stamp .*\(GLR-106\)$")

    def test_the_key_that_is_gone(self):
        self.exits(0, "run")
        (self.host.state / "key").rename(self.host.path / "key")
        self.assertRegex(self.exits(3, "check").out, r"(?m)^FAIL key: the sealing key is missing.*\(GLR-102\)$")
        (self.host.path / "key").rename(self.host.state / "key")
        self.assertNotIn("key:", self.exits(0, "check").out)

    def test_alerts_that_nobody_would_get(self):
        file = self.host.path / "glrotate.yaml"
        file.write_text(file.read_text() + "alerts: [ exec: /nowhere/tell, mail: { to: a@example.com, sendmail: /nowhere/sendmail } ]\n")
        checked = self.exits(3, "check").out
        for name in ("exec /nowhere/tell", "mail a@example.com"):
            self.assertRegex(checked, f"(?m)^FAIL alert {name}: .*/nowhere/")

    def test_a_slot_that_is_shadowed(self):
        address = "project_deploy:shop/api:gitlab-deploy-token"
        self.host.set_tokens(f"  - token: {address}\n    deliver: [ slot ]\n")
        self.exits(0, "run")
        self.sim.act("set_variable", owner="shop/api", key="CI_DEPLOY_PASSWORD", value="somebody-elses")
        self.exits(0, "plan")  # not due: nothing would be refused
        self.advance("70d")
        self.plans_a_person(address, "goes before the slot", "GLR-128")


if __name__ == "__main__":
    main()
