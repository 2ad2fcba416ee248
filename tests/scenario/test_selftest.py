"""A whole rotation with a token of its own: what it proves, and that nothing of it stays, whatever goes wrong."""
import signal

from harness import DEADLINE, Case, Ended, main, until

NAME, KEY = "glrotate-selftest-", "GLROTATE_SELFTEST_"
STEPS = ["credential", "project", "leftovers", "create", "alive", "variable", "rotate", "deliver", "alive", "dead", "cleared away"]
DEVELOPER, READER, MAINTAINER = "glpat-developer-00000", "glpat-reader-00000000", "glpat-maintainer-0000"


class Selftest(Case):
    world = {
        "users": [{"username": "dora", "tokens": [{"name": "a", "secret": DEVELOPER}]},
                  {"username": "mia", "tokens": [{"name": "a", "secret": MAINTAINER},
                                                 {"name": "b", "secret": READER, "scopes": ["read_api"]}]}],
        "projects": [{"path": "shop/api",
                      "members": [{"user": "dora", "level": "developer"}, {"user": "mia", "level": "maintainer"}],
                      "tokens": [{"name": NAME + "mine", "secret": "glpat-mine-0000000000"}, {"name": "push"}],
                      "variables": [{"key": KEY + "NOTE", "value": "a note"}, {"key": "PUSH", "value": "old-value-00000"}]}]}
    tokens = """
  - token: "project:shop/**"
    scopes_at_most: [api]
    level_at_most: owner
    deliver: [ ci_variable: "{name:key}" ]"""

    def setUp(self):
        super().setUp()
        self.others = self.of_others()
        self.addCleanup(lambda: self.assertEqual(self.of_others(), self.others))

    def of_others(self):
        tokens = [(t["id"], t["alive"]) for t in self.sim.ask("GET", "/sim/tokens?owner=shop/api").json if not self.is_ours(t["name"])]
        return tokens, [v for v in self.sim.ask("GET", "/sim/variables?owner=shop/api").json if not v["key"][len(KEY):].isalnum()
                        or v["key"] == KEY + "NOTE"]

    @staticmethod
    def is_ours(name):
        return name.startswith(NAME) and name != NAME + "mine"

    def left(self):
        """Of ours: living tokens, and variables."""
        return ([t["name"] for t in self.sim.ask("GET", "/sim/tokens?owner=shop/api").json if self.is_ours(t["name"]) and t["alive"]]
                + [v["key"] for v in self.sim.ask("GET", "/sim/variables?owner=shop/api").json
                   if v["key"].startswith(KEY) and v["key"] != KEY + "NOTE"])

    def selftest(self, *more):
        ended = self.host.run("selftest", "--in", "shop/api", *more)
        self.assertEqual(self.secrets_in(ended.out + ended.err), [])
        return ended

    def failed(self, ended):
        lines = [line for line in ended.out.splitlines() if line.startswith("FAIL")]
        self.assertTrue(lines, ended)
        return lines[0]

    def test_everything_is_proven_and_nothing_stays(self):
        self.host.set_credential(MAINTAINER)
        ended = self.selftest()
        self.assertEqual(ended.code, 0, ended)
        self.assertEqual([line.split(":")[0] for line in ended.out.splitlines()], ["ok   " + step for step in STEPS])
        self.assertEqual(self.left(), [])
        made = [r["body"] for r in self.asked("POST", "/access_tokens$")]
        self.assertEqual([(b["access_level"], b["scopes"], b["expires_at"]) for b in made], [(10, ["read_repository"], "2026-11-23")])
        self.assertEqual([r["body"]["masked"] for r in self.asked("POST", "/variables$")], [True])
        self.assertEqual([len(self.asked(m, p)) for m, p in (("POST", "/rotate$"), ("PUT", "/variables/"), ("DELETE", "/variables/"))],
                         [1, 1, 1])
        self.assertEqual(self.host.events(), [])

    def test_for_programs(self):
        page = self.selftest("--json").json
        self.assertEqual((page["ok"], page["project"], [s["step"] for s in page["steps"]]), (True, "shop/api", STEPS))

    def test_what_right_is_missing_is_told(self):
        for secret, step, words in ((DEVELOPER, "leftovers", "we are developer, needed: Maintainer of the project"),
                                    (READER, "create", "needed: a credential with the scope api")):
            self.host.set_credential(secret)
            ended = self.selftest()
            self.assertEqual(ended.code, 3, ended)
            self.assertIn(f"FAIL {step}: ", ended.out)
            self.assertIn(words, self.failed(ended))
        self.assertIn("'no/such'", self.failed(self.host.run("selftest", "--in", "no/such")))
        self.assertEqual(self.host.run("selftest").code, 2)
        self.assertEqual([r for r in self.changes() if r["status"] < 400], [])

    def test_it_clears_away_whatever_fails(self):
        refused = {"fault": "status", "status": 403, "content_type": "application/json", "body": '{"message":"403 Forbidden"}'}
        lost = {"fault": "drop_after_commit"}
        rows = [("create", "POST", "*/access_tokens", refused, 3), ("create", "POST", "*/access_tokens", lost, 1),
                ("alive", "GET", "*/personal_access_tokens/self", {**refused, "status": 401, "nth": 2, "times": 1,
                 "body": '{"error":"invalid_token","error_description":"Token was revoked."}'}, 3),
                ("variable", "POST", "*/variables", refused, 3), ("variable", "POST", "*/variables", lost, 1),
                ("rotate", "POST", "*/rotate", refused, 3), ("rotate", "POST", "*/rotate", lost, 1),
                ("deliver", "PUT", "*/variables/*", refused, 3), ("deliver", "PUT", "*/variables/*", lost, 1),
                ("dead", "GET", "*/access_tokens/*", {**refused, "status": 404, "body": '{"message":"404 Not found"}'}, 3),
                ("cleared away", "DELETE", "*/variables/*", {**lost, "times": 0, "fault": "drop_before_commit"}, 1)]
        for step, method, path, fault, code in rows:
            with self.subTest(step=step, fault=fault["fault"]):
                self.sim.ask("POST", "/sim/faults", {"method": method, "path": path, **fault})
                ended = self.selftest()
                self.assertTrue(self.fault_was_hit())
                self.assertIn(f"FAIL {step}: ", ended.out)
                self.assertEqual(ended.code, code, ended)
                self.clear_faults()
                if step == "cleared away":
                    self.assertIn("the next selftest clears it away", ended.out)
                    self.assertIn("leftovers: 0 tokens revoked, 1 variable deleted", self.selftest().out)
                self.assertEqual(self.left(), [])

    def test_a_passing_fault_while_it_clears_away_is_overcome(self):
        for path in ("*/variables/*", "*/access_tokens/*"):
            self.sim.fault("status", method="DELETE", path=path, status=503, body='{"message":"503"}')
        self.assertEqual(self.selftest().code, 0)
        self.assertEqual(self.left(), [])

    def test_after_a_refusal_of_our_own_credential_nothing_more_is_asked(self):
        self.sim.ask("POST", "/sim/act", {"act": "revoke", "token": 1, "before": {"method": "POST", "path": "*/variables"}})
        ended = self.selftest()
        self.assertEqual(ended.code, 3, ended)
        self.assertIn("FAIL cleared away: our credential is refused", ended.out)
        self.assertLessEqual(len([r for r in self.asked() if r["status"] == 401]), 2)

    def interrupted(self, number):
        self.sim.fault("delay_after", method="PUT", path="*/variables/*")
        running = self.host.start("selftest", "--in", "shop/api")
        self.addCleanup(running.kill)
        until(self.is_held, "the request")
        running.send_signal(number)
        return running

    def test_a_signal_ends_it_and_it_clears_away(self):
        running = self.interrupted(signal.SIGINT)
        self.sim.release()
        out, err = running.communicate(timeout=DEADLINE)
        self.assertEqual(running.returncode, 1, Ended(running.returncode, out, err))
        self.assertIn("FAIL alive: a signal asked to stop", out)
        self.assertIn("ok   cleared away: 1 token revoked, 1 variable deleted", out)
        self.assertEqual(self.left(), [])

    def test_what_a_killed_one_left_is_cleared_away_by_the_next_and_managed_by_nobody(self):
        running = self.interrupted(signal.SIGKILL)
        running.communicate(timeout=DEADLINE)
        self.clear_faults()
        self.assertEqual(len(self.left()), 2)
        plan = self.host.run("plan", "--all", "--raw", "--output", "TOKEN").out
        self.assertIn("project:shop/api:push", plan)
        self.assertEqual([line for line in plan.splitlines() if self.is_ours(line.split(":")[-1])], [])
        ended = self.selftest()
        self.assertEqual(ended.code, 0, ended)
        self.assertIn("leftovers: 1 token revoked, 1 variable deleted", ended.out)
        self.assertEqual(self.left(), [])

    def test_a_reader_that_went_away_keeps_nothing_from_being_cleared_away(self):
        running = self.host.start("selftest", "--in", "shop/api")
        running.stdout.close()
        running.wait(DEADLINE)
        running.stderr.close()
        self.assertEqual(self.left(), [])


if __name__ == "__main__":
    main()
