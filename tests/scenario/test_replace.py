"""A new token beside the old: delivered, both live for a while, the old one is retired; whatever is lost on the way."""
import signal

from harness import HERE, day, deliver, main, until
from replaced import DeployCase, ReplaceCase


class Road(ReplaceCase):
    clock = HERE
    kept = ("name", "scopes", "access_level")

    def test_the_old_one_lives_until_the_overlap_is_over(self):
        ended = self.exits(0, "run")
        self.assertIn("rotated 1 token", ended.out)
        self.assertEqual(len(self.alive_now()), 2)
        self.is_delivered()
        self.assertTrue(self.old_lives())
        self.assertEqual(self.states(), ["planned", "intended", "held", "delivered", "overlap"])

        self.advance("20h")
        self.forget_requests()
        ended = self.exits(0, "run")
        self.assertEqual(ended.out, "")
        self.assertEqual(self.changes(), [])
        self.assertTrue(self.old_lives())

        self.advance("5h")
        ended = self.exits(0, "run")
        self.assertIn("retired 1 old token", ended.out)
        self.is_finished()
        self.assertEqual(self.states()[-4:], ["retiring", "retired", "settled", "closed"])
        self.assertEqual(self.exits(0, "run").out, "")

    def test_a_replacement_is_like_the_old_one(self):
        self.exits(0, "run")
        old, new = self.all_made()
        for same in self.kept:
            self.assertEqual(old.get(same), new.get(same))

    def test_what_lives_side_by_side_is_shown(self):
        self.exits(0, "run")
        old, new = self.all_made()
        told = f"the old #{old['id']} lives beside #{new['id']} until {day(1)} 10:00 UTC, and is retired then"
        for verb in (("plan",), ("status",), ("explain", self.name)):
            self.assertIn(told, self.exits(0, *verb).out)
        self.assertIn(told, self.host.run("history").out)
        self.assertIn("1 in overlap", self.exits(0, "status").out)
        item = self.exits(0, "status", "--json").json["tokens"][0]["open"]
        self.assertEqual((item["strategy"], item["old_id"], item["new_id"], item["retire_after"]),
                         ("replace", old["id"], new["id"], f"{day(1)}T10:00:00Z"), item)

    def test_every_destination_is_read_in_the_run_that_retires(self):
        self.exits(0, "run")
        self.advance("25h")
        self.forget_requests()
        self.exits(0, "run")
        asked = [(r["method"], r["path"]) for r in self.asked()]
        end = [i for i, (method, _) in enumerate(asked) if method == "DELETE"]
        self.assertEqual(len(end), 1)
        self.assertTrue([path for method, path in asked[:end[0]] if path.endswith(f"/variables/{self.key}")])

    def test_the_policy_has_no_say_once_it_is_begun(self):
        self.exits(0, "run")
        self.host.set_tokens("  []")
        self.advance("25h")
        self.host.run("run")
        self.is_finished()


class Hands(ReplaceCase):
    def test_what_a_destination_refuses_keeps_the_old_one_alive(self):
        self.adopts()
        self.sim.fault("status", method="PUT", path="*/variables/*", status=403, times=0, nth=2,
                       body='{"message":"403 Forbidden"}', content_type="application/json")
        self.needs_person(self.host.run("run"), "GLR-113")
        self.advance("3d")
        self.needs_person(self.host.run("run"), "GLR-113")
        self.assertTrue(self.old_lives())
        self.assertEqual(self.value(), self.old_secret)
        self.clear_faults()
        self.exits(0, "run")
        self.is_delivered()
        # The overlap counts from the day on which everybody has the new one.
        self.advance("23h")
        self.exits(0, "run")
        self.assertTrue(self.old_lives())
        self.advance("2h")
        self.exits(0, "run")
        self.is_finished()

    def held(self, deliver=None):
        """It stands at HELD, for its variable takes a description and no value."""
        self.host.set_tokens(self.entry(self.more, deliver=deliver))
        self.adopts()
        self.sim.fault("status", method="PUT", path=f"*/variables/{self.key}", status=403, times=0, nth=2,
                       body='{"message":"403 Forbidden"}', content_type="application/json")
        self.needs_person(self.host.run("run"), "GLR-113")
        return self.all_made()[-1]

    def test_what_nobody_took_is_made_anew_for_another_place(self):
        for how in (("run",), ("rotate", self.name, "--reason", "test")):
            with self.subTest(how=how[0]):
                self.again()
                held = self.held()
                self.host.set_tokens(self.entry(self.more, deliver="[ ci_variable: OTHER ]"))
                self.exits(0, *how)
                new, = [t for t in self.alive_now() if t["secret"] != self.old_secret]
                self.assertNotEqual(new["id"], held["id"])
                self.assertEqual(self.variable(self.owner, "OTHER")["value"], new["secret"])
                self.assertTrue(self.old_lives())
                self.assertEqual(self.value(), self.old_secret)
                self.advance("25h")
                self.settles()
                self.assertEqual([t["id"] for t in self.alive_now()], [new["id"]])

    def test_what_is_ended_for_another_place_is_made_for_it_whenever_that_is(self):
        held = self.held()
        self.host.set_tokens(self.entry(self.more, deliver="[ ci_variable: OTHER ]"))
        self.sim.fault("status", method="DELETE", path=self.end, status=503, body="busy", content_type="text/plain", times=1)
        self.exits(1, "run")
        self.assertIn(held["id"], [t["id"] for t in self.alive_now()])
        self.settles()
        self.assertNotIn(held["id"], [t["id"] for t in self.alive_now()])
        self.assertIn(self.variable(self.owner, "OTHER")["value"], [t["secret"] for t in self.alive_now()])
        self.assertEqual(self.value(), self.old_secret)

    def test_what_somebody_took_goes_on_as_it_was_begun(self):
        held = self.held(f"[ file: {self.host.path}/first, ci_variable: {self.key} ]")
        self.host.set_tokens(self.entry(self.more, deliver="[ ci_variable: OTHER ]"))
        self.needs_person(self.host.run("run"), "GLR-113")
        self.needs_person(self.host.run("rotate", self.name, "--reason", "test"), "GLR-113")
        self.assertIn(held["id"], [t["id"] for t in self.alive_now()])

    def test_a_destination_that_lost_it_gets_it_again_and_another_overlap(self):
        self.exits(0, "run")
        self.sim.act("set_variable", owner=self.owner, key=self.key, value="overwritten-by-somebody")
        self.advance("25h")
        self.exits(0, "run")
        self.is_replaced_once()
        self.assertTrue(self.old_lives())
        self.assertEqual(self.states()[-4:], ["overlap", "held", "delivered", "overlap"])
        self.advance("25h")
        self.exits(0, "run")
        self.is_finished()

    def test_an_old_one_that_somebody_ended_is_as_good_as_retired(self):
        self.exits(0, "run")
        self.end_by_hand(self.old()[0]["id"])
        self.advance("25h")
        self.forget_requests()
        self.exits(0, "run")
        self.is_finished()
        self.assertEqual(self.changes(), [])

    def test_a_404_for_the_old_one_is_done(self):
        self.exits(0, "run")
        self.advance("25h")
        self.sim.fault("twice", method="DELETE", path=self.end)
        self.exits(0, "run")
        self.is_finished()

    def test_a_new_one_that_somebody_ends_is_made_anew(self):
        for when in ("held", "overlap"):
            with self.subTest(when=when):
                self.again()
                self.adopts()
                if when == "held":
                    self.sim.fault("status", method="PUT", path="*/variables/*", status=403, times=0, nth=2)
                    self.host.run("run")
                    self.clear_faults()
                    # In its first minutes a list that does not show it may be an old one.
                    self.advance("6m")
                else:
                    self.exits(0, "run")
                    self.advance("25h")
                self.end_by_hand(self.all_made()[-1]["id"])
                self.host.run("run")
                self.assertTrue(self.old_lives())
                self.finishes()

    def test_a_new_one_that_dies_in_the_overlap_is_not_left_where_it_is_used(self):
        """However long the old one would live on: who reads the destination has the new one alone."""
        self.host.set_tokens(self.entry(self.more.replace("1d", "7d")))
        self.adopts()
        self.exits(0, "run")
        self.advance("1h")
        self.end_by_hand(self.all_made()[-1]["id"])
        for _ in range(3):
            self.host.run("run")
        self.is_delivered()
        self.assertTrue(self.old_lives())
        self.assertEqual(self.states()[-1], "overlap")

    def test_an_old_one_is_in_use_again_when_no_other_can_be_made(self):
        """The new one was held, ended by somebody, and then its destination refused the next: the row is given up."""
        self.adopts()
        self.sim.fault("status", method="PUT", path="*/variables/*", status=403, times=0, nth=2,
                       body='{"message":"403 Forbidden"}', content_type="application/json")
        self.host.run("run")
        self.advance("6m")
        self.end_by_hand(self.all_made()[-1]["id"])
        self.needs_person(self.host.run("run"), "GLR-113")
        self.assertEqual(self.states()[-1], "dropped")
        self.clear_faults()
        self.finishes()

    def test_an_old_one_that_is_gone_beforehand_is_told_and_nothing_made(self):
        self.adopts()
        self.end_by_hand(self.old()[0]["id"])
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.asked("POST"), [])

    def test_a_signal_in_the_overlap_ends_nothing(self):
        self.exits(0, "run")
        self.advance("25h")
        self.sim.fault("delay", method="GET", path="*", nth=3)
        running = self.host.start("run")
        until(self.is_held, "the request")
        deliver(running, signal.SIGTERM)
        self.sim.release()
        running.communicate()
        self.is_replaced_once()
        self.settles()
        self.is_finished()

    def end_by_hand(self, token):
        self.sim.act("revoke", token=token)


class ShortGrant(ReplaceCase):
    """GitLab grants a week, and the policy wants both to live for twenty days."""
    world = {**ReplaceCase.world, "settings": {"max_personal_access_token_lifetime": 7}}
    more = ReplaceCase.more.replace("1d", "20d")

    def test_the_overlap_ends_in_the_middle_of_what_was_granted(self):
        self.adopts()
        self.exits(0, "run")
        self.is_delivered()
        for _ in range(9):
            self.advance("1d")
            self.host.run("run")
            self.is_delivered()
        self.assertFalse(self.old_lives())


class Quiet(ReplaceCase):
    """`retire: when_unused`, of tokens whose use GitLab tells."""
    clock = HERE
    more = "strategy: replace\n    new_bot: accept\n    overlap: 1h\n    retire: when_unused\n    quiet: 12h"

    def test_an_old_one_that_is_used_lives_on_and_is_told(self):
        self.exits(0, "run")
        self.advance("13h")
        self.assertTrue(self.opens(self.old_secret))
        self.advance("11h")
        self.forget_requests()
        self.exits(0, "run")
        self.assertTrue(self.old_lives())
        self.assertEqual(self.changes(), [])
        told = self.exits(0, "status").out
        self.assertRegex(told, rf"#\d+ is still in use: last used {day()} 23:00 UTC")
        self.assertIn("overlap, old one in use", told)
        self.assertIn("is still in use", self.exits(0, "plan").out)
        self.advance("2h")
        self.exits(0, "run")
        self.is_finished()

    def test_an_old_one_that_nobody_used_is_retired_after_the_quiet_time(self):
        self.exits(0, "run")
        self.advance("11h")
        self.exits(0, "run")
        self.assertTrue(self.old_lives())
        self.advance("2h")
        self.exits(0, "run")
        self.is_finished()

    def test_a_new_one_that_somebody_ends_is_made_anew_whoever_uses_the_old_one(self):
        self.exits(0, "run")
        self.advance("13h")
        self.assertTrue(self.opens(self.old_secret))
        self.sim.act("revoke", token=self.all_made()[-1]["id"])
        ended = [self.host.run("run") for _ in range(3)][-1]
        self.assertEqual(ended.code, 0, ended)
        self.assertEqual(len(self.all_made()), 3)
        self.is_delivered()
        self.assertTrue(self.old_lives())

    def test_a_list_without_it_says_nothing_of_its_use(self):
        self.exits(0, "run")
        self.advance("13h")
        self.assertTrue(self.opens(self.old_secret))
        self.advance("11h")
        for nth in range(1, 9):
            self.clear_faults()
            self.sim.fault("status", status=200, body="[]", content_type="application/json", method="GET",
                           path="*access_tokens", nth=nth)
            self.host.run("run")
            self.assertTrue(self.old_lives(), nth)
            if not self.fault_was_hit():
                return
        self.fail("a run asks for fewer lists")

    def test_a_person_hears_of_one_that_is_used_for_a_week(self):
        self.world = {"projects": [{"path": "shop/api", "variables": self.world["projects"][0]["variables"], "tokens": [
            {"name": "push", "secret": self.old_secret, "created": "-85d", "expires": None}]}]}
        self.again()
        self.exits(0, "rotate", "push", "--reason", "test")
        for _ in range(16):
            self.advance("11h")
            self.assertTrue(self.opens(self.old_secret))
            ended = self.host.run("run")
            self.assertTrue(self.old_lives())
            self.assertEqual(ended.code, 0)
        self.advance("11h")
        self.assertTrue(self.opens(self.old_secret))
        self.needs_person(self.host.run("run"), "GLR-126")
        self.assertTrue(self.old_lives())
        self.sim.act("revoke", token=self.old()[0]["id"])
        self.exits(0, "run")
        self.is_finished()


class DeployRoad(DeployCase, Road):
    kept = ("name", "scopes", "username")


class DeployHands(DeployCase, Hands):
    def end_by_hand(self, token):
        self.sim.act("revoke_deploy_token", owner=self.owner, deploy_token=token)


class DeployGone(DeployHands):
    """Ended over the API: the row is gone."""
    def end_by_hand(self, token):
        self.assertEqual(self.sim.ask("DELETE", f"/projects/shop%2Fapi/deploy_tokens/{token}?by=tests").status, 204)


if __name__ == "__main__":
    main()
