"""What fails again and again ends the run, and what cannot be trusted begins nothing; what is begun goes on."""
import datetime

from harness import HERE, Case, main

COUNT = 30
DUE = {"access_level": "developer", "created": "-85d", "expires": "+5d"}
WORLD = {"projects": [{"path": "shop/api", "tokens": [{"name": f"t{n:02}", **DUE} for n in range(COUNT)]}]}
TOKENS = "".join(f"""
  - token: project:shop/api:t{n:02}
    deliver: [ ci_variable: T{n:02} ]
""" for n in range(COUNT))
ROTATE = "*access_tokens/*/rotate"
REFUSED = {"status": 403, "body": '{"message":"403 Forbidden"}', "content_type": "application/json"}
WORKERS = 8


def this_machines_clock(ahead_seconds=0):
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=ahead_seconds)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


class Breaker(Case):
    world = WORLD
    clock = HERE
    tokens = TOKENS
    options = {"limits": "{ settle: 1s, rotations_per_run: 1000 }"}

    def posts(self):
        return self.asked("POST", "/rotate$")

    def is_whole(self):
        for n in range(COUNT):
            self.assertEqual(self.variable("shop/api", f"T{n:02}")["value"], self.living(f"t{n:02}")["secret"])

    def settled(self):
        self.clear_faults()
        self.settles()
        self.is_whole()

    def test_five_requests_in_a_row_without_an_answer_end_the_run(self):
        for kind, more in (("status", {"status": 500}), ("status", {"status": 502, "commit": True}),
                           ("reset_after_commit", {}), ("drop_before_commit", {}), ("too_many", {"retry_after": 1})):
            with self.subTest(fault=kind, **more):
                self.again()
                self.sim.fault(kind, method="POST", path=ROTATE, times=0, **more)
                ended = self.exits(1, "run")
                self.assertIn("5 requests in a row that make a new secret were not answered", ended.err)
                self.assertIn("are left for a later run", ended.err)
                # A row whose answer was lost is repaired once at most: two requests for each of those under way.
                self.assertLessEqual(len(self.posts()), 2 * (5 + WORKERS))
                self.assertIn("it ended early: 5 requests", self.exits(1, "status").out)
                self.settled()
                self.exits(0, "status")

    def test_four_in_a_row_do_not(self):
        self.sim.fault("status", method="POST", path=ROTATE, status=500, times=4)
        self.host.run("run")
        self.settles()
        self.is_whole()

    def test_secrets_that_nobody_takes_end_the_run(self):
        self.sim.fault("status", method="PUT", path="*/variables/*", times=0, nth=2, **REFUSED)
        for n in range(COUNT):
            self.sim.act("set_variable", owner="shop/api", key=f"T{n:02}", value="old-value-00000")
        self.clear_faults()
        # What is written with a value is refused; a description alone is taken.
        for n in range(COUNT):
            self.sim.fault("status", method="PUT", path=f"*/variables/T{n:02}", times=0, nth=2, **REFUSED)
        ended = self.host.run("run")
        self.assertEqual(ended.code, 3, ended)
        self.assertIn("5 new secrets in a row were not taken by their destinations", ended.err)
        self.assertLessEqual(len(self.posts()), 5 + WORKERS)
        self.settled()

    def test_a_destination_that_is_down_is_not_gitlab(self):
        """Those that wait for it wait alone, and nothing untrue is said of GitLab."""
        down = self.host.path / "vault"
        down.write_text("hvs.token")
        down.chmod(0o600)
        self.host.set_tokens(TOKENS.replace("[ ci_variable: T0", "[ vault: { url: 'http://127.0.0.1:9', path: kv/x, key: T0")
                             .replace(" ]", f", auth: {{ token: {down} }} }} ]", 10))
        ended = self.host.run("run")
        self.assertEqual(len(self.posts()), COUNT - 10, ended)
        self.assertNotIn("GitLab did not answer", ended.err)

    def test_refusals_end_no_run(self):
        """GitLab says them of one token: those that are always refused do not keep the others from their turn."""
        self.sim.fault("status", method="POST", path=ROTATE, times=10, **REFUSED)
        self.needs_person(self.host.run("run"), "GLR-117")
        self.assertEqual(len(self.posts()), COUNT)

    def test_what_fails_in_every_run_does_not_keep_the_others_from_their_turn(self):
        text = (self.host.path / "glrotate.yaml").read_text()
        self.host.set_policy(text.replace("gitlab:\n", "gitlab:\n  requests_at_once: 1\n"))
        # The first in the order of urgency and name, one after the other.
        bad = [self.living(f"t{n:02}")["id"] for n in range(6)]
        for token in bad:
            self.sim.fault("status", method="POST", path=f"*/access_tokens/{token}/rotate", status=500, times=0)
        self.assertEqual(self.host.run("run").code, 1)
        self.assertEqual(len(self.posts()), 5, "the others had no turn")
        for _ in range(2):
            # What is in doubt is settled, and asked again before all others.
            self.advance("1h")
            self.host.run("run")
        good = {t["name"] for t in self.sim.ask("GET", "/sim/tokens?owner=shop/api").json if t["alive"] and t["id"] not in bad}
        self.assertEqual(len(good), COUNT - len(bad))
        self.settled()

    def test_gitlab_that_does_not_answer_is_not_asked_for_every_token(self):
        self.sim.fault("status", method="GET", path="*/variables/*", status=503, times=0)
        for n in range(COUNT):
            self.sim.act("set_variable", owner="shop/api", key=f"T{n:02}", value="old-value-00000")
        ended = self.exits(1, "run")
        self.assertIn("GitLab did not answer before 5 rotations in a row", ended.err)
        self.assertEqual(self.posts(), [])
        self.settled()


class Clock(Case):
    world = {"projects": [{"path": "shop/api", "tokens": [{"name": "push", **DUE}]}]}
    tokens = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""
    clock = this_machines_clock()
    options = {"limits": "{ settle: 1s, clock_skew: 5m }"}

    def set_skew(self, seconds):
        """GitLab's clock is that far ahead of ours."""
        self.sim.ask("POST", "/sim/clock", {"set": this_machines_clock(seconds)})

    def test_clocks_that_differ_rotate_nothing(self):
        for skew, way in ((400, "behind"), (-400, "ahead of"), (86400 * 3, "behind")):
            with self.subTest(skew=skew):
                self.again()
                self.set_skew(skew)
                ended = self.host.run("run")
                self.needs_person(ended, "GLR-120")
                self.assertIn(f"{way} GitLab's", ended.err)
                self.assertEqual(self.changes(), [])
                self.needs_person(self.host.run("rotate", "push", "--reason", "test"), "GLR-120")
                self.assertEqual(self.changes(), [])
                self.assertIn("adopted 1 token", ended.out + ended.err, "all is read as ever")
                status = self.exits(3, "status").out
                self.assertIn("GLR-120", status)
                self.assertIn("nothing is rotated", self.exits(3, "check").out)

    def test_five_minutes_are_borne(self):
        for skew in (200, -200, 0):
            with self.subTest(skew=skew):
                self.again()
                self.set_skew(skew)
                self.exits(0, "check")
                self.exits(0, "run")
                self.exits(0, "status")

    def test_the_policy_may_bear_more(self):
        self.host.limits = "{ settle: 1s, clock_skew: 1h }"
        self.host.set_tokens(self.tokens)
        self.set_skew(3000)
        self.assertIn("which is the one that counts", self.exits(0, "check").out)
        self.exits(0, "run")

    def test_what_is_held_is_delivered_all_the_same(self):
        self.set_skew(0)
        self.exits(0, "check")
        self.sim.fault("status", method="PUT", path="*/variables/*", nth=1, times=1, **REFUSED)
        self.sim.fault("status", method="POST", path="*/variables", nth=2, times=1, **REFUSED)
        self.sim.fault("status", method="GET", path="*/personal_access_tokens/self", nth=2, times=3, status=503)
        self.host.run("run")
        self.clear_faults()
        self.set_skew(4000)
        self.needs_person(self.host.run("run"), "GLR-120")
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])

    def test_a_lost_answer_is_repaired_all_the_same(self):
        """Its consumers have a dead secret until then."""
        self.set_skew(0)
        self.sim.fault("drop_after_commit", method="POST", path=ROTATE, times=2)
        self.host.run("run")
        self.clear_faults()
        self.set_skew(4000)
        self.needs_person(self.host.run("run"), "GLR-120")
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])


class Refused(Case):
    """At most ten failed authentications in three minutes, ever; the base class counts what GitLab was asked."""
    world = Clock.world
    tokens = Clock.tokens

    def refusals(self):
        return len([r for r in self.asked() if r["status"] == 401])

    def test_ten_in_three_minutes_whoever_starts_us_how_often(self):
        self.sim.act("revoke", token=1)
        for verb in ("run", "plan", "check", "run") * 4:
            ended = self.host.run(verb)
            self.assertIn(ended.code, (1, 3))
            if ended.code == 1:
                self.assertIn("GitLab refused our credentials 10 times within three minutes", ended.err)
        self.assertEqual(self.refusals(), 10)

    def test_after_three_minutes_it_is_asked_again(self):
        self.sim.act("revoke", token=1)
        file = self.host.state / "refused"
        for _ in range(11):
            self.host.run("run")
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        moments = [int(line) for line in file.read_text().split()]
        self.assertEqual(len(moments), 10)
        fresh = self.sim.act("create_token", kind="personal", owner="root", name="fresh", scopes=["api"], expires="+90d")
        self.host.set_credential(fresh["secret"])
        self.assertEqual(self.host.run("run").code, 1, "whose it is now, GitLab cannot know")
        file.write_text("".join(f"{moment - 200}\n" for moment in moments))
        self.exits(0, "run")

    def test_a_file_that_is_nonsense_keeps_nobody_from_his_work(self):
        file = self.host.state / "refused"
        for content in (b"", b"x" * 100000, b"99999999999999999999\n" * 20, b"\0\n-5\n", b"4102444800\n" * 12):
            with self.subTest(content[:20]):
                file.write_bytes(content)
                self.exits(0, "run")
        file.unlink()
        file.mkdir()
        self.exits(0, "run")


if __name__ == "__main__":
    main()
