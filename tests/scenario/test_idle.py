"""when_idle: a rotation waits, from run to run, until no job holds the secret that dies; but not for ever."""
from harness import HERE, Case, day, main

NAME = "project:platform/api:push"
UNTIL = rf"until {day()} 12:\d\d UTC at the latest"


class IdleCase(Case):
    clock = HERE
    deliver = "{ key: TOKEN }"
    expires = "+20d"
    span = "2h"
    jobs = [{"name": "deploy", "started": "-5m"}, {"name": "build", "started": "-1m"},
            {"name": "waits", "status": "pending"}]
    elsewhere = []
    more = {}

    def setUp(self):
        self.world = {
            "groups": [{"path": "platform", "variables": [{"key": "SHARED", "value": "glpat-old-secret"}]}],
            "projects": [{"path": "platform/api", "jobs": self.jobs,
                          "tokens": [{"name": "push", "expires": self.expires, "created": "-80d",
                                      "secret": "glpat-old-secret"}],
                          "variables": [{"key": "TOKEN", "value": "glpat-old-secret"}]},
                         {"path": "platform/web", "jobs": self.elsewhere}], **self.more}
        self.tokens = f"  - {{ token: '{NAME}', when_idle: {self.span}, deliver: [ ci_variable: {self.deliver} ] }}"
        super().setUp()

    def old_lives(self):
        return self.opens("glpat-old-secret")

    def finish(self, *jobs):
        for job in jobs:
            self.sim.ask("POST", "/sim/act", {"act": "finish_job", "job": job})

    def start(self, **job):
        self.sim.ask("POST", "/sim/act", {"act": "start_job", "project": "platform/api", **job})


class Waits(IdleCase):
    def test_it_waits_for_the_jobs_and_then_goes(self):
        ended = self.exits(0, "run")
        self.assertIn("put off for running jobs: 1 token; nothing needs you", ended.out)
        self.assertTrue(self.old_lives())
        told = f"waits for 2 jobs of platform/api to end, {UNTIL}"
        for verb in (("plan",), ("status",), ("explain", NAME)):
            self.assertRegex(self.exits(0, *verb).out, told)
        self.assertIn("1 waits for jobs", self.exits(0, "status").out)
        self.assertEqual(self.exits(0, "status", "--failed", "--json").json["tokens"], [])
        self.finish(1)
        self.assertIn("1 job of platform/api", self.exits(0, "run").out + self.exits(0, "status").out)
        self.finish(2)
        self.assertIn("rotated 1 token", self.exits(0, "run").out)
        self.assertFalse(self.old_lives())
        self.assertNotIn("jobs", " ".join(self.host.events("intended")))

    def test_one_that_began_in_between_is_seen_in_the_minute_of_the_request(self):
        self.exits(0, "run")
        self.finish(1, 2)
        self.start(name="late")
        self.exits(0, "run")
        self.assertTrue(self.old_lives())
        self.finish(4)
        self.forget_requests()
        self.exits(0, "run")
        asked = [r["path"] for r in self.asked()]
        look = max(i for i, path in enumerate(asked) if path.endswith("/jobs"))
        self.assertTrue(any("/variables/" in path for path in asked[:look]), asked)
        self.assertFalse(any("/variables/" in path for path in asked[look:asked.index(
            next(p for p in asked if p.endswith("/rotate")))]), asked)

    def test_it_goes_in_the_end_and_names_what_it_hit(self):
        self.exits(0, "run")
        self.advance("2h")
        ended = self.exits(0, "run")
        hit = "platform/api: build #2, deploy #1"
        self.assertIn(f"hit 2 running jobs ({hit})", ended.out)
        self.assertIn(f"jobs that lose the old secret: {hit}", self.exits(0, "history").out)
        self.assertFalse(self.old_lives())

    def test_an_order_does_not_wait(self):
        self.exits(0, "rotate", NAME, "--reason", "now")
        self.assertFalse(self.old_lives())

    def test_an_order_ends_the_waiting(self):
        self.exits(0, "run")
        self.exits(0, "rotate", NAME, "--reason", "now")
        self.assertFalse(self.old_lives())

    def test_an_entry_without_it_ends_the_waiting(self):
        self.exits(0, "run")
        self.host.set_tokens(self.tokens.replace("when_idle: 2h,", ""))
        self.exits(0, "run")
        self.assertFalse(self.old_lives())

    def test_one_whose_secret_is_lost_already_waits_for_nothing(self):
        """Whatever the jobs have is dead since the request whose answer was lost."""
        self.finish(1, 2)
        self.sim.fault("drop_after_commit", method="POST", path="*/rotate")
        self.sim.ask("POST", "/sim/act", {"act": "start_job", "project": "platform/api", "name": "late",
                                          "after": {"method": "POST", "path": "*/rotate"}})
        self.settles()
        self.assertEqual(self.variable("platform/api", "TOKEN")["value"], self.living("push")["secret"])


class Unreadable(IdleCase):
    def setUp(self):
        super().setUp()
        self.sim.fault("status", path="*/jobs", status=403, times=0, content_type="application/json",
                       body='{"message":"403 Forbidden"}')

    def test_what_cannot_be_seen_is_not_idle_and_not_for_ever(self):
        self.exits(0, "run")
        self.assertIn("which it cannot see", self.exits(0, "status").out)
        self.advance("2h")
        self.assertIn("it could not be seen whether jobs run", self.exits(0, "run").out)
        self.assertFalse(self.old_lives())

    def test_a_gitlab_that_does_not_answer_is_asked_again(self):
        self.clear_faults()
        self.sim.fault("status", path="*/jobs", status=500, times=0)
        self.exits(1, "run")
        self.assertTrue(self.old_lives())
        self.advance("2h")
        self.exits(0, "run")
        self.assertFalse(self.old_lives())


class EndsInTime(IdleCase):
    """It dies in 14 hours: whatever the span, half of them is left."""
    expires = "+1d"
    span = "20d"

    def test_it_goes_while_the_token_has_half_of_what_was_left(self):
        self.exits(0, "run")
        self.assertRegex(self.exits(0, "explain", NAME).out, rf"until {day()} 17:\d\d UTC at the latest")
        self.advance("7h")
        self.exits(0, "run")
        self.assertFalse(self.old_lives())


class Group(IdleCase):
    deliver = "{ key: SHARED, group: platform }"
    jobs = []
    elsewhere = [{"name": "pages", "started": "-5m"}]

    def test_every_project_below_a_group_is_looked_at(self):
        self.exits(0, "run")
        self.assertIn("waits for 1 job of platform/web to end", self.exits(0, "status").out)
        self.finish(1)
        self.exits(0, "run")
        self.assertFalse(self.old_lives())


class LargeGroup(Group):
    elsewhere = []

    def setUp(self):
        super().setUp()
        for i in range(50):
            self.sim.ask("POST", "/sim/act", {"act": "create_project", "path": f"platform/p{i}"})

    def test_every_project_below_a_group_is_looked_at(self):
        self.exits(0, "run")
        self.assertIn("more than 50 projects", self.exits(0, "status").out)
        self.advance("2h")
        self.exits(0, "run")
        self.assertFalse(self.old_lives())


if __name__ == "__main__":
    main()
