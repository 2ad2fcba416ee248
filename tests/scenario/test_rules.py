"""The rules that nothing may break, each by its number; what is no rule of a moment stands in the other themes."""
import json
import re
import signal
import time

from harness import Between, Case, main, until

DUE = {"created": "-85d", "expires": "+5d"}
WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", **DUE}],
     "variables": [{"key": "PUSH", "value": "old-value-00000"}]},
    {"path": "shop/web", "tokens": [{"name": "pull", **DUE}],
     "variables": [{"key": "PULL", "value": "old-value-00000"}]}]}
PUSH = """
  - token: project:shop/api:push
    deliver:
      - ci_variable: PUSH
      - ci_variable: { key: PUSH, project: shop/web }
      - file: %s/push
"""
PULL = """
  - token: project:shop/web:pull
    deliver: [ ci_variable: PULL ]
"""
MADE = """
  - token: project:shop/api:made
    scopes: [ api ]
    access_level: developer
    deliver: [ ci_variable: MADE ]
"""
QUIET_SEC = 2  # who has not asked by then, since the last one did, does not ask
MOST_REQUESTS = 200  # of one run: a failure in every row must end too
REVOKED = {"status": 401, "content_type": "application/json",
           "body": '{"error":"invalid_token","error_description":"Token was revoked. '
                   'You have to re-authorize from the user."}'}
PLAIN = {"status": 401, "content_type": "application/json", "body": '{"message":"401 Unauthorized"}'}


class Rules(Case):
    world = WORLD

    def setUp(self):
        super().setUp()
        self.host.set_tokens(PUSH % self.host.path)

    def kill_held_at(self, method, path, nth=1):
        self.sim.fault("delay", method=method, path=path, nth=nth)
        running = self.host.start("run")
        until(self.is_held, "the request")
        running.send_signal(signal.SIGKILL)
        running.communicate()
        self.clear_faults()

    def holds(self, owner, key, name):
        secret = self.living(name)["secret"]
        self.assertEqual(self.variable(owner, key)["value"], secret)
        return secret

    # --- 1: durable before it is sent, durable before it is delivered ---

    def test_rule_1_a_creation_is_intended_on_disk_before_it_is_sent(self):
        self.host.set_tokens(MADE)
        self.kill_held_at("POST", "*/access_tokens")
        self.assertEqual(self.host.events()[-1], "rotation.intended")

    def test_rule_1_a_revocation_is_on_disk_before_it_is_sent(self):
        self.sim.fault("delay_after", method="POST", path="*/rotate")
        running = self.host.start("run")
        self.addCleanup(running.kill)
        until(self.is_held, "the request")
        target = self.asked("POST", "/rotate$")[0]["path"].split("/")[-2]
        fork = self.sim.act("rotate", token=int(target), expires_at="2027-02-19")
        self.sim.fault("delay", method="DELETE", path="*/access_tokens/*")
        self.sim.release()
        until(lambda: self.asked("DELETE"), "the revocation")
        running.send_signal(signal.SIGKILL)
        running.communicate()
        self.assertIn(f"#{fork['id']}", self.host.events("fork.revoked")[-1])

    def test_rule_1_nothing_is_delivered_before_the_answer_is_on_disk(self):
        self.kill_held_at("GET", "*/self", nth=2)  # the proof of the new secret
        writes = [r["body"].get("value") for r in self.changes() if "variables" in r["path"]]
        self.assertEqual([value for value in writes if value not in (None, "glrotate-placeholder")], [])
        self.assertFalse((self.host.path / "push").exists())
        self.assertEqual(self.host.events()[-1], "rotation.held")

    # --- 2: one request for an intent; a new attempt is a new intent ---

    def test_rule_2_each_request_that_changes_a_token_has_its_own_intent(self):
        for kind in ("drop_before_commit", "drop_after_commit", "cut_body"):
            with self.subTest(kind):
                self.again()
                self.sim.fault(kind, method="POST", path="*/rotate", times=2)
                self.host.run("run")
                self.settles()
                posts = self.asked("POST", "/rotate$")
                self.assertEqual(len(posts), 3)
                self.assertEqual(len(posts), self.host.events().count("rotation.intended"))
                self.holds("shop/api", "PUSH", "push")

    def test_rule_2_a_request_that_gitlab_puts_off_is_a_new_intent_too(self):
        self.sim.fault("status", method="POST", path="*/rotate", status=503, content_type="application/json",
                       body='{"message":"maintenance"}')
        self.assertEqual(self.host.run("run").code, 1)
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)
        self.settles()
        self.assertEqual(len(self.asked("POST", "/rotate$")), self.host.events().count("rotation.intended"))

    # --- 3: doubt is settled by reading ---

    def test_rule_3_between_a_lost_answer_and_the_next_request_only_readings_stand(self):
        for kind in ("drop_before_commit", "drop_after_commit"):
            with self.subTest(kind):
                self.again()
                self.sim.fault(kind, method="POST", path="*/rotate")
                self.exits(0, "run")
                posts = [r["n"] for r in self.asked("POST", "/rotate$")]
                between = [r for r in self.asked() if posts[0] < r["n"] < posts[1]]
                lists = [r for r in between if re.search(r"/access_tokens$", r["path"])]
                self.assertGreaterEqual(len(lists), 2 if kind == "drop_before_commit" else 1)
                # The preflight of the second attempt is the one other thing.
                self.assertEqual([r for r in between if r["method"] != "GET" and "variables" not in r["path"]], [])

    def test_rule_3_what_a_killed_run_left_is_read_before_anything_else(self):
        self.kill_held_at("POST", "*/rotate")
        self.forget_requests()
        self.exits(0, "run")
        self.assertIn("rotation.doubted", self.host.events())
        touched = [r["n"] for r in self.changes()]
        self.assertLess(self.asked("GET", "/access_tokens$")[0]["n"], touched[0])
        self.holds("shop/api", "PUSH", "push")

    def killed_in_doubt(self):
        """The answer to a rotation is lost, and the run dies before it has read anything of it: the intended date, and the target."""
        self.sim.fault("drop_before_commit", method="POST", path="*/rotate")
        self.sim.fault("delay", method="GET", path="*/access_tokens", nth=2)
        running = self.host.start("run")
        until(lambda: all(f["hits"] for f in self.sim.ask("GET", "/sim/faults").json), "the reading")
        running.send_signal(signal.SIGKILL)
        running.communicate()
        self.clear_faults()
        request = self.asked("POST", "/rotate$")[0]
        self.forget_requests()
        return request["body"]["expires_at"], int(request["path"].split("/")[-2])

    def test_rule_3_what_never_happened_is_read_twice_however_long_ago_it_was(self):
        self.killed_in_doubt()
        self.advance("2h")
        self.exits(0, "run")
        posted = self.asked("POST", "/rotate$")[0]["n"]
        self.assertGreaterEqual(len([r for r in self.asked("GET", "/access_tokens$") if r["n"] < posted]), 2)
        self.holds("shop/api", "PUSH", "push")

    def test_rule_3_what_cannot_be_seen_any_more_is_not_taken_for_what_never_happened(self):
        _, target = self.killed_in_doubt()
        self.sim.act("purge_bot", token=target)
        self.advance("2h")
        self.needs_person(self.host.run("run"), "GLR-118")
        self.assertEqual([r for r in self.asked("POST") if "access_tokens" in r["path"]], [])

    def test_rule_3_a_successor_whose_secret_was_used_is_not_ours(self):
        """Nobody can use a secret whose answer was lost."""
        date, target = self.killed_in_doubt()
        theirs = self.sim.act("rotate", token=target, expires_at=date)
        self.assertTrue(self.opens(theirs["secret"]))
        self.needs_person(self.host.run("run"), "GLR-108")
        self.assertTrue(self.sim.alive(theirs["id"]))
        self.assertEqual(self.asked("POST", "/rotate$"), [])

    # --- 4: a credential is proven before it walks a rotate path: `rules_were_kept` looks at every test of every theme ---

    def test_rule_4_what_somebody_revokes_in_the_middle_is_not_made_anew(self):
        for method, path in (("GET", "*/access_tokens/*"), ("POST", "*/rotate")):
            with self.subTest(method):
                self.again()
                self.sim.act("revoke", token=self.living("push")["id"], before={"method": method, "path": path})
                self.needs_person(self.host.run("run"), "GLR-109")
                self.assertEqual(self.asked("POST", "/access_tokens$"), [])

    # --- 5: every destination passes before the old secret dies ---

    def test_rule_5_each_destination_is_written_before_the_old_secret_dies(self):
        self.exits(0, "run")
        rotated = self.asked("POST", "/rotate$")[0]["n"]
        before = {(r["method"], r["path"].split("/")[4]) for r in self.changes()
                  if r["n"] < rotated and "variables" in r["path"] and r["status"] in (200, 201)}
        self.assertEqual(len(before), 2)
        self.assertEqual(sorted(m for m, _ in before), ["POST", "PUT"])

    def test_rule_5_one_destination_that_refuses_keeps_the_old_secret_alive(self):
        broken = [
            ("a file in no folder", lambda: self.host.set_tokens(
                PUSH.replace("%s/push", "%s/nowhere/push") % self.host.path)),
            ("a file whose name a folder has", lambda: (self.host.path / "push").mkdir()),
            ("a file that is a link", lambda: (self.host.path / "push").symlink_to("/etc/hostname")),
            ("an unknown user", lambda: self.host.set_tokens(
                PUSH.replace("file: %s/push", "file: { path: %s/push, user: nobody-at-all }") % self.host.path)),
            ("a variable of a project that is not there", lambda: self.host.set_tokens(
                PUSH.replace("shop/web", "shop/nowhere") % self.host.path)),
            ("a variable that may not be written", lambda: self.sim.fault(
                "status", method="POST", path="*/variables", status=403, times=0,
                body='{"message":"403 Forbidden"}', content_type="application/json")),
            ("a variable that cannot be read", lambda: self.sim.fault(
                "status", method="GET", path="*/variables/*", nth=2, status=403, times=0,
                body='{"message":"403 Forbidden"}', content_type="application/json")),
        ]
        for what, breaks in broken:
            with self.subTest(what):
                self.again()
                before = self.living("push")["id"]
                breaks()
                self.needs_person(self.host.run("run"), "GLR-113")
                self.assertEqual(self.asked("POST", "/rotate$"), [])
                self.assertEqual(self.living("push")["id"], before)

    # --- 6: no token is changed that is not the row's; the rest of it is lost, kill and soak; 7 is secrets ---

    def test_rule_6_a_second_successor_that_is_not_ours_is_told_and_left_alone(self):
        self.sim.act("rotate", token=self.living("push")["id"], expires_at="2027-03-01",
                     after={"method": "POST", "path": "*/rotate"})
        ended = self.host.run("run")
        self.assertIn("is not ours", ended.err)
        self.assertEqual(len([t for t in self.tokens_of("push") if t["alive"]]), 2)
        self.assertEqual(self.asked("DELETE", "/access_tokens/"), [])

    def test_rule_6_a_number_that_is_another_token_now_is_left_alone(self):
        for changed in ({"user_id": 4711}, {"created_at": "2020-01-01T00:00:00.000Z"}):
            with self.subTest(changed):
                self.again()
                between = Between(self.sim, lambda method, path, status, body, new=changed: (
                    status, json.dumps({**json.loads(body), **new}).encode()
                    if re.search(r"/access_tokens/\d+$", path) else body))
                self.addCleanup(between.close)
                self.host.url = between.url
                self.host.set_tokens(PUSH % self.host.path)
                self.needs_person(self.host.run("run"), "GLR-110")
                self.assertEqual(self.asked("POST", "/rotate$"), [])

    # --- 8: invalid_token ends it; a plain 401 does not ---

    def test_rule_8_after_an_invalid_token_nothing_more_is_asked(self):
        for nth in range(1, MOST_REQUESTS):
            with self.subTest(request=nth):
                self.again()
                self.sim.fault("status", path="*", nth=nth, **REVOKED)
                ended = self.host.run("run")
                if not self.fault_was_hit():
                    break
                hit = [r for r in self.asked() if r["fault"]][0]
                rotated = bool(self.asked("POST", "/rotate$")) and hit["n"] > self.asked("POST", "/rotate$")[0]["n"]
                self.clear_faults()
                # The proof of a new secret is not about our own credential.
                if not (rotated and hit["path"].endswith("/self")):
                    self.needs_person(ended, "GLR-114")
                    self.assertEqual([r for r in self.asked() if r["n"] > hit["n"]], [])
                self.settles()
                self.holds("shop/api", "PUSH", "push")
        self.assertIn(nth, range(15, MOST_REQUESTS - 1))

    def test_rule_8_a_plain_401_while_our_credential_lives_is_that_tokens_alone(self):
        self.host.set_tokens(PUSH % self.host.path + PULL)
        self.sim.fault("status", method="GET", path="*/projects/10/access_tokens*", times=0, **PLAIN)
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-119")
        self.holds("shop/web", "PULL", "pull")
        self.assertEqual(self.asked("POST", "/projects/10/access_tokens"), [])

    def test_rule_8_a_plain_401_to_the_request_itself_is_settled_by_reading(self):
        self.host.set_tokens(PUSH % self.host.path + PULL)
        self.sim.fault("status", method="POST", path="*/projects/10/*/rotate", times=0, **PLAIN)
        self.needs_person(self.host.run("run"), "GLR-117")
        self.holds("shop/web", "PULL", "pull")
        self.assertEqual(len(self.asked("POST", "/projects/10/.*/rotate$")), 1)
        self.clear_faults()
        self.settles()
        self.holds("shop/api", "PUSH", "push")

    def ends_when_self_fails_too(self, method, path):
        self.sim.fault("status", method=method, path=path, times=0, **PLAIN)
        self.sim.fault("status", method="GET", path="*/self", nth=2, times=0, **PLAIN)
        self.needs_person(self.host.run("run"), "GLR-114")
        self.assertEqual([r["status"] for r in self.asked()].count(401), 2)
        self.assertEqual(self.asked()[-1]["status"], 401)
        self.clear_faults()
        self.settles()
        self.holds("shop/api", "PUSH", "push")

    def test_rule_8_a_plain_401_to_a_list_after_which_self_fails_too_ends_it(self):
        self.ends_when_self_fails_too("GET", "*/projects/10/access_tokens")

    def test_rule_8_a_plain_401_to_the_request_after_which_self_fails_too_ends_it(self):
        self.ends_when_self_fails_too("POST", "*/rotate")

    def test_rule_8_ten_refusals_in_three_minutes_are_the_most(self):
        """Each new secret that GitLab does not know yet is a failed authentication, and thirty of them ban our address."""
        self.sim.act("several", acts=[{"act": "create_token", "kind": "project", "owner": "shop/api", "name": f"t{n}",
                                       "scopes": ["api"], "created": "-89d", "expires": "+1d"} for n in range(20)])
        proofs = []

        def mend(_, path, status, body):
            if not path.endswith("/self"):
                return status, body
            proofs.append(path)
            if len(proofs) == 1:  # our own credential lives
                return status, body
            seen = 0
            while seen < len(proofs) <= 11:  # so that all who ask at once have asked
                seen = len(proofs)
                time.sleep(QUIET_SEC)
            return PLAIN["status"], PLAIN["body"].encode()
        between = Between(self.sim, mend)
        self.addCleanup(between.close)
        self.host.url = between.url + "\n  requests_at_once: 20"
        self.host.set_tokens("".join(f"""
  - token: project:shop/api:t{n}
    deliver: [ ci_variable: T{n} ]
""" for n in range(20)))
        running = self.host.start("run")
        self.addCleanup(running.communicate)
        self.addCleanup(running.kill)
        until(lambda: running.poll() is not None or len(proofs) > 11, "the end, or the eleventh")
        self.assertIn(len(proofs), range(2, 12))


if __name__ == "__main__":
    main()
