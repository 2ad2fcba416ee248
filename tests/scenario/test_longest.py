"""GitLab lets tokens live less long than the policy says: its refusal is read, and nothing is asked for ever."""
import collections

from harness import Case, main

NAMES = ["a", "b", "c"]
WORLD = {"settings": {"max_personal_access_token_lifetime": 30},
         "projects": [{"path": "shop/api", "tokens": [
             {"name": n, "access_level": "developer", "created": "-27d", "expires": "+3d"} for n in NAMES]}]}
TOKENS = "".join(f"""
  - token: project:shop/api:{n}
    deliver: [ ci_variable: {n.upper()} ]
""" for n in NAMES)
MADE = """
  - token: project:shop/api:made
    scopes: [ api ]
    access_level: developer
    deliver: [ ci_variable: MADE ]
"""


class Longest(Case):
    world = WORLD
    tokens = TOKENS

    def refused(self):
        return [r for r in self.asked("POST") if r["status"] in (400, 422)]

    def is_whole(self, name):
        self.assertEqual(self.variable("shop/api", name.upper())["value"], self.living(name)["secret"])

    def test_the_date_is_read_out_of_the_refusal_and_asked_for_once_more(self):
        self.host.set_tokens(TOKENS.split("  - token: project:shop/api:b")[0])
        self.exits(0, "run")
        self.is_whole("a")
        asked = [r["body"]["expires_at"] for r in self.asked("POST", "/rotate$")]
        self.assertEqual(asked, ["2027-02-19", "2026-12-21"])
        self.assertEqual(self.living("a")["expires_at"], "2026-12-21")
        events = [e for e in self.host.events() if e.startswith("rotation.")]
        self.assertEqual(events.count("rotation.intended"), 2, "each request has an intent of its own")

    def test_it_is_told_once_and_is_no_trouble(self):
        ended = self.exits(0, "run")
        self.assertNotIn("GLR-117", ended.err)
        self.assertEqual(self.host.events("gitlab.longest"), ["GitLab lets tokens of type project live 30 days at most"])
        self.assertIn("GitLab grants 30d at most", self.host.run("plan", "--all", "--json").out)
        self.advance("25d")
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual(self.refused(), [], "what is known is not asked again")
        self.assertEqual(len(self.asked("POST", "/rotate$")), 3)
        for name in NAMES:
            self.is_whole(name)

    def test_a_raised_maximum_is_found_after_a_month(self):
        self.exits(0, "run")
        self.sim.act("set_settings", settings={"max_personal_access_token_lifetime": 60})
        self.advance("32d")
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual(self.living("a")["expires_at"], "2027-02-21")
        self.assertEqual(self.host.events("gitlab.longest")[1:], ["GitLab lets tokens of type project live 60 days at most"])

    def test_a_creation_is_asked_again_too(self):
        self.host.set_tokens(MADE)
        self.exits(0, "run")
        self.is_whole("made")
        self.assertEqual(self.living("made")["expires_at"], "2026-12-21")

    def test_a_refusal_without_a_use_is_for_a_person(self):
        """It expires before anybody could use it; and one that says a date beyond what was asked says nothing."""
        for date in ("2026-11-22", "2030-01-01", "2026-99-99", "soon"):
            with self.subTest(date):
                self.again()
                self.sim.fault("status", method="POST", path="*/rotate", status=400, times=0, content_type="application/json",
                               body=f'{{"message":"400 Bad request - Expiration date must be before {date}"}}')
                self.needs_person(self.host.run("run"), "GLR-117")
                self.assertEqual(len(self.asked("POST", "/rotate$")), 3)

    def test_a_second_refusal_of_the_date_is_for_a_person(self):
        self.sim.fault("status", method="POST", path="*/rotate", status=400, times=0, content_type="application/json",
                       body='{"message":"400 Bad request - Expiration date must be before 2026-12-01"}')
        self.needs_person(self.host.run("run"), "GLR-117")
        self.assertLessEqual(len(self.asked("POST", "/rotate$")), 6)
        self.assertTrue(all(self.sim.alive(self.tokens_of(n)[0]["id"]) for n in NAMES))


    def test_a_date_that_goes_back_is_not_followed(self):
        for date, times in (("2026-12-20", 3), ("2026-12-10", 0)):
            self.sim.fault("status", method="POST", path="*/rotate", status=400, times=times, content_type="application/json",
                           body=f'{{"message":"400 Bad request - Expiration date must be before {date}"}}')
        self.needs_person(self.host.run("run"), "GLR-117")
        # Who asks when another has been told already asks for that date at once.
        asked = collections.Counter(request["path"] for request in self.asked("POST", "/rotate$"))
        self.assertEqual((len(asked), max(asked.values())), (3, 2))


class Spin(Case):
    """However short what GitLab grants: a quarter of it passes before the next rotation."""
    world = {"projects": [{"path": "shop/api", "tokens": [{"name": "a", "created": "-80d", "expires": "+3d"}]}]}
    tokens = TOKENS.split("  - token: project:shop/api:b")[0]
    options = {"lifetimes": '[ { for: "*", max_lifetime: 90d, renew_before: 30d } ]'}

    def rotations_in(self, days):
        for _ in range(days * 2):
            self.host.run("run")
            self.advance("12h")
        # Three times a week of seven days' tokens: at most a third of what was granted is left.
        return len([r for r in self.asked("POST", "/rotate$") if r["status"] == 200])

    def test_a_maximum_of_a_week_does_not_make_us_spin(self):
        self.sim.act("set_settings", settings={"max_personal_access_token_lifetime": 7})
        self.assertIn(self.rotations_in(14), range(2, 5))

    def test_a_token_is_never_left_to_die(self):
        self.sim.act("set_settings", settings={"max_personal_access_token_lifetime": 7})
        for _ in range(28):
            self.exits(0, "run")
            self.assertTrue(self.opens(self.variable("shop/api", "A")["value"]))
            self.advance("12h")


class OldSpin(Spin):
    """GitLab 16.0 ignores the date that is asked for, and gives a week."""
    version = "16.0.8"

    def test_a_maximum_of_a_week_does_not_make_us_spin(self):
        self.assertIn(self.rotations_in(14), range(2, 5))

    def test_a_token_is_never_left_to_die(self):
        for _ in range(28):
            self.exits(0, "run")
            self.assertTrue(self.opens(self.variable("shop/api", "A")["value"]))
            self.advance("12h")


if __name__ == "__main__":
    main()
