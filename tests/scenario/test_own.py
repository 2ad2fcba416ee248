"""Our own credential as a managed token: rotated last, written back, never lost, and an old copy of it is never presented to a
rotation."""
import datetime
import os

from harness import HERE, Case, Host, main, until

OLD = "glpat-own-old-000000"
RESCUE = "glpat-rescue-0000000"
ADDRESS = "personal:keeper:glrotate"
OWN_ROTATE = "*/personal_access_tokens/self/rotate"
MOST_REQUESTS = 100


def world(scopes=("api",)):
    return {"users": [
        {"username": "keeper", "admin": True, "tokens": [
            {"name": "glrotate", "secret": OLD, "created": "-85d", "expires": "+5d", "scopes": list(scopes)},
            {"name": "rescue", "secret": RESCUE, "expires": "+300d", "scopes": ["api"]}]}],
        "projects": [
            {"path": "shop/api",
             "tokens": [{"name": "push", "secret": "glpat-push-old-000000", "created": "-85d", "expires": "+5d"}],
             "variables": [{"key": "PUSH", "value": "glpat-push-old-000000"}]}]}


TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""


class OwnHost(Host):
    """Its policy says that our own credential is rotated, and may name another to help."""
    rescue, more = None, ""

    def set_tokens(self, tokens):
        self.tokens = tokens
        rescue = f"  rescue_credential: {self.rescue}\n" if self.rescue else ""
        self.set_policy(f"gitlab:\n  url: {self.url}\n  credential: {self.path}/credential\n  rotate: yes\n"
                        f"{rescue}{self.more}lifetimes: {self.lifetimes}\nlimits: {self.limits}\ntokens:\n{tokens}\n")

    def set_rescue(self, secret=RESCUE):
        self.rescue = self.keep("rescue", secret)
        self.set_tokens(self.tokens)

    @property
    def credential(self):
        return (self.path / "credential").read_text()


class Own(Case):
    world = world()
    tokens = TOKENS
    rescued = False

    def setUp(self):
        super().setUp()
        self.host.remove()
        self.host = OwnHost(self.sim, self.tokens, credential=OLD)
        self.addCleanup(self.host.remove)
        if self.rescued:
            self.host.set_rescue()

    def is_whole(self):
        """The file holds the one living secret of our own, and the token beside it is well."""
        own = self.living("glrotate")
        self.assertEqual(self.host.credential, own["secret"])
        self.assertNotEqual(own["secret"], OLD)
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])
        self.no_family_is_harmed()
        self.assertIn("whole", self.exits(0, "history", "--verify").out)

    def by_own(self, *found):
        return [r for r in self.asked(*found) if r["path"].endswith("/self/rotate")]


class Happy(Own):
    clock = HERE
    def test_it_is_rotated_as_the_last_act_of_a_run(self):
        ended = self.exits(0, "run")
        self.assertIn("rotated 2 tokens", ended.out)
        self.is_whole()
        asked = self.asked()
        last = [n for n, r in enumerate(asked) if r["path"].endswith("/self/rotate")]
        self.assertEqual(len(last), 1)
        later = {r["path"] for r in asked[last[0] + 1:]}
        self.assertEqual(later, {"/api/v4/personal_access_tokens/self"})
        self.assertEqual(os.stat(self.host.path / "credential").st_mode & 0o777, 0o600)
        self.assertEqual(self.secrets_in((self.host.state / "journal.db").read_bytes().decode("latin1")), [])

    def test_the_next_run_goes_on_with_the_new_one(self):
        self.exits(0, "run")
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])
        self.assertEqual({r["credential"] for r in self.asked()}, {"active"})

    def test_nothing_happens_without_the_policys_word(self):
        Host.set_tokens(self.host, TOKENS)
        self.exits(0, "run")
        self.assertEqual(self.host.credential, OLD)
        self.assertEqual(self.by_own(), [])

    def test_every_verb_shows_it_with_its_due_date(self):
        self.assertIn(ADDRESS, self.exits(0, "plan").out)
        self.assertIn(ADDRESS, self.exits(0, "check").out)
        self.assertIn("renew_before", self.exits(0, "explain", ADDRESS).out)
        self.exits(0, "run")
        self.assertIn(ADDRESS, self.exits(0, "status", "--all").out)
        self.assertIn(ADDRESS, self.exits(0, "plan", "--all").out)
        self.assertIn(ADDRESS, self.exits(0, "explain", "glrotate").out)

    def test_it_is_rotated_by_order(self):
        self.exits(0, "run")
        first = self.host.credential
        self.exits(0, "rotate", ADDRESS, "--reason", "test")
        self.assertNotEqual(self.host.credential, first)
        self.is_whole()
        self.assertEqual(len(self.by_own()), 2)

    def test_an_order_for_another_token_leaves_it_alone(self):
        self.exits(0, "rotate", "push", "--reason", "test")
        self.assertEqual(self.host.credential, OLD)

    def test_many_generations(self):
        for _ in range(4):
            self.exits(0, "run")
            self.is_whole()
            self.advance("85d")

    def test_it_stays_managed_by_name_when_the_policy_lets_go(self):
        self.exits(0, "run")
        Host.set_tokens(self.host, TOKENS)
        self.exits(0, "run")
        self.assertIn("released", self.exits(0, "status", "--all").out)


class Kills(Own):
    def dies_at(self, nth, fault, times):
        if not self.kill_at(nth, fault, times=times):
            return False
        if not times:
            self.advance("1m")  # so late a request may leave after its intent, and nothing is held that could
        self.settles()
        self.is_whole()

    def kill_everywhere(self, fault, times=1):
        died = self.each([(nth, fault, times) for nth in range(1, MOST_REQUESTS)], self.dies_at)
        self.assertIn(died, range(14, MOST_REQUESTS - 2))


class KilledBefore(Kills):
    """The request is never carried out when its sender is gone; nothing is lost, even without help."""

    def test_killed_before_any_request_is_carried_out(self):
        self.kill_everywhere("drop_before_commit", times=0)


class Rescued(Kills):
    rescued = True

    @property
    def clock(self):
        """This machine's: who has not heard GitLab's time yet writes down ours, and would wait for the difference."""
        return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def test_killed_while_any_request_is_under_way(self):
        self.kill_everywhere("delay")

    def test_killed_before_any_answer_arrives(self):
        self.kill_everywhere("delay_after")

    def test_a_lost_answer_is_got_back_in_the_same_run(self):
        for fault in ("drop_after_commit", "cut_body", "garbage", "reset_after_commit"):
            with self.subTest(fault=fault):
                self.again()
                self.sim.fault(fault, method="POST", path=OWN_ROTATE)
                self.exits(0, "run")
                self.is_whole()
                lost = sorted(self.tokens_of("glrotate"), key=lambda t: t["id"])[1]
                self.assertEqual((lost["revoked"], lost["last_used_at"]), (True, None))

    def test_the_rescue_proves_itself_once_a_day(self):
        self.exits(0, "run")
        for _ in range(3):
            self.forget_requests()
            self.exits(0, "run")
            self.assertEqual(len({r["token_id"] for r in self.asked()}), 1)
        self.advance("25h")
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual(len({r["token_id"] for r in self.asked()}), 2)

    def test_a_rescue_that_is_refused_by_mistake_is_asked_again(self):
        self.sim.fault("status", path="*/personal_access_tokens/self", nth=2, status=401,
                       body='{"message":"401 Unauthorized"}', content_type="application/json")
        self.needs_person(self.host.run("run"), "GLR-125")
        self.exits(0, "run")

    def test_a_dead_rescue_is_told_and_not_asked_again(self):
        self.sim.act("revoke", token=self.living("rescue")["id"])
        for _ in range(2):
            self.needs_person(self.host.run("run"), "GLR-125")
        self.forget_requests()
        self.needs_person(self.host.run("run"), "GLR-125")
        self.assertEqual([r for r in self.asked() if r["status"] == 401], [])
        self.is_whole()

    def test_our_own_token_is_no_rescue(self):
        self.host.set_rescue(OLD)
        self.needs_person(self.host.run("run"), "GLR-125")

    def test_no_entry_rotates_the_rescue(self):
        self.host.set_tokens(TOKENS + f"""
  - token: personal:keeper:rescue
    deliver: [ file: {self.host.path}/rescue-token ]
""")
        ended = self.host.run("plan", "--all")
        self.exits(3, "run")
        self.assertIn("rescue credential", self.host.run("plan").out, ended)
        self.assertTrue(self.opens(RESCUE))


class Lost(Kills):
    """Nobody but the token itself has a right to it."""

    def loses_the_answer(self):
        self.sim.fault("drop_after_commit", method="POST", path=OWN_ROTATE)
        return self.host.run("run")

    def test_a_lost_answer_needs_a_person(self):
        ended = self.loses_the_answer()
        self.needs_person(ended, "GLR-124")
        self.assertTrue(self.living("glrotate"), "what lives was not harmed")

    def test_later_runs_ask_nothing_with_the_dead_one(self):
        self.loses_the_answer()
        for _ in range(3):
            self.forget_requests()
            self.needs_person(self.host.run("run"), "GLR-124")
            self.assertEqual(self.asked(), [])

    def test_a_new_token_by_hand_ends_it(self):
        self.loses_the_answer()
        fresh = self.sim.act("create_token", kind="personal", owner="keeper", name="glrotate", scopes=["api"],
                             expires="+90d")
        self.host.set_credential(fresh["secret"])
        self.exits(0, "run")
        self.exits(0, "run")
        self.assertEqual(self.host.credential, fresh["secret"])
        self.assertIn("dropped", " ".join(self.host.events()))

    def test_a_rescue_that_is_named_afterwards_ends_it(self):
        self.loses_the_answer()
        self.host.set_rescue()
        self.settles()
        self.is_whole()

    def test_what_was_never_carried_out_is_settled_without_help(self):
        self.sim.fault("drop_before_commit", method="POST", path=OWN_ROTATE)
        self.exits(0, "run")
        self.is_whole()
        self.assertEqual(len(self.by_own()), 2)

    def test_a_refusal_leaves_the_old_one_in_use(self):
        self.sim.fault("status", method="POST", path=OWN_ROTATE, status=400,
                       body='{"message":"400 Bad request - no"}', content_type="application/json")
        self.needs_person(self.host.run("run"), "GLR-117")
        self.assertEqual(self.host.credential, OLD)
        self.settles()
        self.is_whole()

    def test_a_read_only_folder_stops_it_before_anything_dies(self):
        target = self.host.path / "copies"
        target.mkdir()
        (target / "own").write_text(OLD)
        (target / "own").chmod(0o600)
        os.environ["CREDENTIALS_DIRECTORY"] = str(target)
        self.addCleanup(os.environ.pop, "CREDENTIALS_DIRECTORY", None)
        self.host.more = ""
        text = (self.host.path / "glrotate.yaml").read_text()
        self.host.set_policy(text.replace(f"credential: {self.host.path}/credential",
                                          f"credential: own\n  credential_file: /proc/own"))
        ended = self.host.run("run")
        self.assertEqual(ended.code, 3, ended)
        self.assertEqual(self.by_own(), [])
        self.assertTrue(self.opens(OLD))


class Copies(Own):
    """Old copies come back: of the file, of the state directory."""

    def test_an_old_copy_of_the_file_is_written_over(self):
        self.exits(0, "run")
        self.host.set_credential(OLD)
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual([r for r in self.asked() if r["credential"] != "active"], [], "it was not even asked about")
        self.is_whole()

    def test_an_older_copy_of_the_file_is_asked_about_once(self):
        self.exits(0, "run")
        self.advance("85d")
        self.exits(0, "run")
        self.host.set_credential(OLD)
        self.forget_requests()
        self.exits(0, "run")
        dead = [r for r in self.asked() if r["credential"] != "active"]
        self.assertLessEqual(len(dead), 1)
        self.assertEqual([r["path"] for r in dead if not r["path"].endswith("/personal_access_tokens/self")], [])
        self.is_whole()

    def test_an_old_copy_that_cannot_be_written_over_is_told(self):
        self.exits(0, "run")
        self.host.set_credential(OLD)
        (self.host.path / "held").mkdir()
        new = self.host.path / "credential"
        new.unlink()
        copies = self.host.path / "copies"
        copies.mkdir(mode=0o700)
        (copies / "own").write_text(OLD)
        os.environ["CREDENTIALS_DIRECTORY"] = str(copies)
        self.addCleanup(os.environ.pop, "CREDENTIALS_DIRECTORY", None)
        text = (self.host.path / "glrotate.yaml").read_text()
        self.host.set_policy(text.replace(f"credential: {self.host.path}/credential",
                                          f"credential: own\n  credential_file: {self.host.path}/nowhere/own"))
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-113")
        self.assertEqual({r["credential"] for r in self.asked()}, {"active"})

    def test_an_old_copy_of_the_state_directory_follows_the_file(self):
        self.exits(0, "run")
        self.host.back_up()
        self.advance("85d")
        self.exits(0, "run")
        present = self.host.credential
        self.host.restore()
        self.forget_requests()
        self.host.set_tokens("  []")
        self.host.run("run")
        self.assertEqual(self.host.credential, present)
        self.assertTrue(self.opens(present))
        self.assertEqual([r["path"] for r in self.asked() if r["credential"] != "active"], [])
        self.advance("85d")
        self.host.run("run")
        self.assertNotEqual(self.host.credential, present)
        self.assertTrue(self.opens(self.host.credential))

    def test_an_old_copy_of_both_needs_a_person(self):
        self.exits(0, "run")
        self.host.back_up()
        secret = self.host.credential
        self.advance("85d")
        self.exits(0, "run")
        self.host.restore()
        self.host.set_credential(secret)
        self.forget_requests()
        self.needs_person(self.host.run("run"), "GLR-114")
        self.assertEqual([r["path"] for r in self.asked()], ["/api/v4/personal_access_tokens/self"])

    def test_a_token_that_the_operator_gives_takes_its_place(self):
        self.exits(0, "run")
        fresh = self.sim.act("create_token", kind="personal", owner="keeper", name="glrotate", scopes=["api"],
                             expires="+9d")
        self.host.set_credential(fresh["secret"])
        self.exits(0, "run")
        self.assertIn(str(fresh["id"]), " ".join(self.host.events("token.changed")))
        self.assertEqual({r["token_id"] for r in self.asked()} & {fresh["id"]}, {fresh["id"]})
        self.advance("8d")
        self.exits(0, "run")
        self.assertFalse(self.opens(fresh["secret"]), "it is rotated in its turn")
        self.assertTrue(self.opens(self.host.credential))

    def test_a_token_of_another_user_takes_its_place(self):
        self.exits(0, "run")
        fresh = self.sim.act("create_token", kind="personal", owner="root", name="other", scopes=["api"], expires="+90d")
        self.host.set_credential(fresh["secret"])
        self.exits(0, "run")
        self.assertIn("personal:root:other", self.exits(0, "plan", "--all").out)

    def test_both_dead(self):
        self.exits(0, "run")
        self.sim.act("revoke", token=self.living("glrotate")["id"])
        self.host.set_credential("glpat-unheard-of-000")
        self.needs_person(self.host.run("run"), "GLR-114")

    def test_a_second_agent_notices_and_rotates_nothing(self):
        self.exits(0, "run")
        first = self.host.credential
        self.advance("85d")
        other = self.host.path / "other"
        other.mkdir(mode=0o700)
        self.host.set_tokens("  []")
        ended = self.host.run("run", state=other)
        self.needs_person(ended, "GLR-107")
        self.assertEqual(self.host.credential, first)
        self.assertTrue(self.opens(first))
        self.exits(0, "run")
        self.assertNotEqual(self.host.credential, first)
        # What the other remembers is dead by now; it takes what stands in the file.
        self.host.run("run", state=other)
        self.assertTrue(self.opens(self.host.credential))

    def test_two_at_once_rotate_it_once(self):
        self.host.set_tokens("  []")
        other = self.host.path / "other"
        other.mkdir(mode=0o700)
        self.sim.fault("delay", method="POST", path=OWN_ROTATE)
        first = self.host.start("run")
        self.addCleanup(first.kill)
        until(self.is_held, "the request")
        ended = self.host.run("run", state=other)
        self.sim.release()
        self.assertIn(ended.code, (1, 3), ended)
        first.communicate()
        self.assertEqual(first.returncode, 0)
        self.assertEqual(len(self.by_own()), 1)
        self.assertTrue(self.opens(self.host.credential))

    def test_a_file_that_holds_something_else_is_not_written_over(self):
        copies = self.host.path / "copies"
        copies.mkdir(mode=0o700)
        (copies / "own").write_text(OLD)
        os.environ["CREDENTIALS_DIRECTORY"] = str(copies)
        self.addCleanup(os.environ.pop, "CREDENTIALS_DIRECTORY", None)
        self.host.set_credential("Whxqht+dQJax1aZeCGLxmiAAAAABAAAADAAAABAAAAB")
        text = (self.host.path / "glrotate.yaml").read_text()
        self.host.set_policy(text.replace(f"credential: {self.host.path}/credential",
                                          f"credential: own\n  credential_file: {self.host.path}/credential"))
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-113")
        self.assertIn("encrypted", ended.err)
        self.assertEqual(self.by_own(), [])


if __name__ == "__main__":
    main()
