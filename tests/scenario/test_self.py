"""Tokens that rotate themselves: nobody needs a right over them, and nobody else is asked about them."""
import os

from harness import Case, main, until

OLD = "glpat-laptop-old-0000"
BOT = "glpat-bot-old-000000"
AGENT = "glpat-agent-0000000"
SELF_ROTATE = "*/self/rotate"
MOST_REQUESTS = 60


def world(scopes=("self_rotate",), owner="guest"):
    """The agent's own credential is a plain user's, who sees nobody's tokens."""
    return {"users": [
        {"username": "agent", "tokens": [{"name": "agent", "secret": AGENT, "expires": "+300d", "scopes": ["api"]}]},
        {"username": "alice", "tokens": [
            {"name": "laptop", "secret": OLD, "created": "-85d", "expires": "+5d", "scopes": list(scopes)}]}],
        "groups": [{"path": "hall", "members": [{"user": "agent", "level": owner}]}],
        "projects": [{"path": "hall/api", "tokens": [
            {"name": "bot", "secret": BOT, "created": "-85d", "expires": "+5d", "scopes": list(scopes)}]}]}


PERSONAL = """
  - token: personal:alice:laptop
    rotate_with: self
    secret: {path}/first
    deliver: [ file: {path}/laptop ]
"""
PROJECT = """
  - token: project:hall/api:bot
    rotate_with: self
    secret: {path}/bot
    deliver: [ file: {path}/bot ]
"""


class Self(Case):
    world = world()
    options = {"credential": AGENT}
    entry, name, old, first, place = PERSONAL, "laptop", OLD, "first", "laptop"
    rescue = None

    def setUp(self):
        super().setUp()
        self.host.keep(self.first, self.old)
        self.set_entry()

    def set_entry(self, rescue=None):
        self.host.set_tokens(self.entry.format(path=self.host.path))
        if rescue or self.rescue:
            self.host.keep("rescue", rescue or self.rescue)
            text = (self.host.path / "glrotate.yaml").read_text()
            self.host.set_policy(text.replace("lifetimes:", f"  rescue_credential: {self.host.path}/rescue\nlifetimes:", 1))

    def delivered(self):
        return (self.host.path / self.place).read_text()

    def is_whole(self):
        token = self.living(self.name)
        self.assertEqual(self.delivered(), token["secret"])
        self.assertNotEqual(token["secret"], self.old)
        self.no_family_is_harmed()
        self.assertIn("whole", self.exits(0, "history", "--verify").out)

    def dies_at(self, nth, fault):
        if not self.kill_at(nth, fault, times=0 if fault == "drop_before_commit" else 1):
            return False
        self.settles()
        self.is_whole()

    def kill_everywhere(self, fault):
        died = self.each([(nth, fault) for nth in range(1, MOST_REQUESTS)], self.dies_at)
        self.assertIn(died, range(5, MOST_REQUESTS - 2))


class Personal(Self):
    told = "GLR-124"

    def test_what_opens_the_journal_is_shown_to_nobody(self):
        self.host.set_tokens(self.entry.replace("{path}/" + self.first, str(self.host.state / "key")).format(path=self.host.path))
        self.assertIn("which is glrotate's own", self.host.run("run").err)  # it has made the key
        self.assertIn("which is glrotate's own", self.exits(3, "check").out)
        self.assertEqual([r for r in self.asked() if r["credential"] != "active"], [])

    def test_it_rotates_itself_with_nothing_but_self_rotate(self):
        self.exits(0, "run")
        self.is_whole()
        self.assertEqual([r["path"] for r in self.asked("POST")], ["/api/v4/personal_access_tokens/self/rotate"])
        self.assertEqual((self.host.path / "first").read_text(), OLD, "the first secret's file is the operator's")

    def test_later_runs_present_what_is_sealed_in_the_journal(self):
        for _ in range(3):
            self.exits(0, "run")
            self.is_whole()
            self.forget_requests()
            self.exits(0, "run")
            self.assertEqual({r["credential"] for r in self.asked()}, {"active"})
            self.assertEqual(self.changes(), [])
            self.advance("85d")

    def test_a_journal_holds_no_clear_secret(self):
        self.exits(0, "run")
        self.assertEqual(self.secrets_in((self.host.state / "journal.db").read_bytes().decode("latin1")), [])

    def test_every_verb_shows_it(self):
        address = "personal:alice:laptop"
        for verb in (("plan",), ("check",), ("explain", address)):
            self.assertIn(address, self.exits(0, *verb).out)
        self.exits(0, "run")
        for verb in (("plan", "--all"), ("check",), ("explain", address), ("status", "--all")):
            self.forget_requests()
            self.assertIn(address, self.exits(0, *verb).out)
            self.assertEqual([r for r in self.asked() if r["credential"] != "active"], [])

    def test_killed_before_any_request_is_carried_out(self):
        self.kill_everywhere("drop_before_commit")

    def test_it_is_rotated_by_order(self):
        self.exits(0, "run")
        first = self.delivered()
        self.exits(0, "rotate", "laptop", "--reason", "test")
        self.assertNotEqual(self.delivered(), first)
        self.is_whole()

    def test_a_lost_answer_needs_a_person_and_then_a_new_secret(self):
        self.sim.fault("drop_after_commit", method="POST", path=SELF_ROTATE)
        self.needs_person(self.host.run("run"), "GLR-124")
        for _ in range(2):
            self.forget_requests()
            self.needs_person(self.host.run("run"), "GLR-124")
            self.assertEqual([r for r in self.asked() if r["credential"] != "active"], [])
        fresh = self.sim.act("create_token", kind="personal", owner="alice", name="laptop", scopes=["self_rotate"],
                             expires="+5d", created="-85d")
        self.host.keep("first", fresh["secret"])
        self.exits(0, "run")
        self.exits(0, "run")
        self.assertFalse(self.opens(fresh["secret"]))
        self.assertTrue(self.opens(self.delivered()))

    def test_what_was_never_carried_out_is_settled_by_reading_itself(self):
        self.sim.fault("drop_before_commit", method="POST", path=SELF_ROTATE)
        self.exits(0, "run")
        self.is_whole()

    def test_it_dies_between_its_proof_and_the_request(self):
        """GitLab sees a dead secret on a rotate path once: the window of rule 4."""
        self.sim.fault("delay", method="POST", path=SELF_ROTATE)
        running = self.host.start("run")
        self.addCleanup(running.kill)
        until(self.is_held, "the request")
        self.sim.act("revoke", token=self.living("laptop")["id"])
        self.sim.release()
        out, err = running.communicate()
        self.assertEqual(running.returncode, 3, err)
        self.assertIn(self.told, err)
        self.assertNotIn("GLR-114", err)

    def test_somebody_revokes_it(self):
        self.exits(0, "run")
        self.sim.act("revoke", token=self.living("laptop")["id"])
        self.needs_person(self.host.run("run"), "GLR-124")
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)
        self.needs_person(self.host.run("run"), "GLR-124")
        self.forget_requests()
        self.needs_person(self.host.run("run"), "GLR-124")
        self.assertEqual([r for r in self.asked() if r["status"] == 401], [], "it is not asked about again")

    def test_a_user_who_is_blocked_for_a_while_is_no_dead_secret(self):
        self.sim.act("block_user", user="alice")
        self.assertEqual(self.host.run("run").code, 3)
        self.sim.act("unblock_user", user="alice")
        self.exits(0, "run")
        self.is_whole()

    def test_a_secret_of_another_token_is_told(self):
        self.host.keep("first", AGENT)
        self.needs_person(self.host.run("run"), "GLR-110")
        self.assertEqual(self.changes(), [])

    def test_a_token_without_the_right_is_told(self):
        weak = self.sim.act("create_token", kind="personal", owner="alice", name="laptop", scopes=["read_api"],
                            expires="+2d", created="-85d")
        self.host.keep("first", weak["secret"])
        self.needs_person(self.host.run("run"), "GLR-117")
        self.assertEqual(self.changes(), [])

    def test_an_unreadable_secret_is_told_and_others_go_on(self):
        os.unlink(self.host.path / "first")
        self.host.set_tokens(self.entry.format(path=self.host.path) + PROJECT.format(path=self.host.path))
        self.host.keep("bot", BOT)
        self.needs_person(self.host.run("run"), "GLR-124")
        self.assertTrue(self.opens((self.host.path / "bot").read_text()))
        self.assertFalse(self.opens(BOT))

    def test_an_old_copy_of_the_state_directory_is_noticed(self):
        self.exits(0, "run")
        self.host.back_up()
        self.advance("85d")
        self.exits(0, "run")
        present = self.delivered()
        self.host.restore()
        self.forget_requests()
        self.needs_person(self.host.run("run"), "GLR-124")
        self.assertEqual([r["path"] for r in self.asked() if r["credential"] != "active"],
                         ["/api/v4/personal_access_tokens/self"])
        self.assertTrue(self.opens(present))
        # The person gives what the destination holds.
        self.host.keep("first", present)
        self.host.run("run")
        self.assertTrue(self.opens(self.delivered()))

    def no_family_is_harmed(self):
        """Except where a test revokes it between proof and request."""
        bad = [r for r in self.asked("POST", "/rotate$") if r["credential"] in ("revoked", "expired")]
        self.assertLessEqual(len(bad), 1 if "between" in self.id() else 0, bad)


class Project(Self):
    """A bot's token goes through its project; its secret's file is where it is delivered."""
    entry, name, old, first, place = PROJECT, "bot", BOT, "bot", "bot"
    world = world(owner="maintainer")

    def test_it_goes_through_its_project(self):
        self.exits(0, "run")
        self.is_whole()
        self.assertRegex(self.asked("POST")[0]["path"], r"/projects/\d+/access_tokens/self/rotate$")

    def test_an_old_copy_of_its_file_is_not_presented(self):
        self.exits(0, "run")
        self.host.keep("bot", BOT)
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual([r for r in self.asked() if r["credential"] != "active"], [])

    def test_a_lost_answer_is_got_back_by_our_own_credential(self):
        """A Maintainer sees the successor."""
        for fault in ("drop_after_commit", "cut_body"):
            with self.subTest(fault=fault):
                self.again()
                self.sim.fault(fault, method="POST", path=SELF_ROTATE)
                self.exits(0, "run")
                self.is_whole()

    def test_killed_while_any_request_is_under_way(self):
        self.kill_everywhere("delay")

    def test_killed_before_any_answer_arrives(self):
        self.kill_everywhere("delay_after")

    def test_an_old_copy_of_the_state_directory_follows_the_file(self):
        self.exits(0, "run")
        self.host.back_up()
        self.advance("85d")
        self.exits(0, "run")
        present = self.delivered()
        self.host.restore()
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual([r for r in self.asked() if r["credential"] != "active"], [])
        self.assertEqual(self.delivered(), present)
        self.advance("85d")
        self.exits(0, "run")
        self.is_whole()

    def test_two_at_once_rotate_it_once(self):
        other = self.host.path / "other"
        other.mkdir(mode=0o700)
        self.sim.fault("delay", method="POST", path=SELF_ROTATE)
        first = self.host.start("run")
        self.addCleanup(first.kill)
        until(self.is_held, "the request")
        ended = self.host.run("run", state=other)
        self.sim.release()
        self.assertIn(ended.code, (1, 3), ended)
        first.communicate()
        self.assertEqual((first.returncode, len(self.asked("POST", "/rotate$"))), (0, 1))
        self.is_whole()
        order = ("rotate", "bot", "--reason", "test")
        self.assertEqual(self.host.run(*order, state=other).code, 1, "what it began was about the token before")
        self.needs_person(self.host.run(*order, state=other), "GLR-107")
        self.is_whole()

    def test_no_pattern_rotates_it(self):
        self.host.set_tokens(self.entry.format(path=self.host.path) + """
  - token: "project:hall/**:*"
    deliver: [ ci_variable: "{name:key}" ]
""")
        self.exits(0, "run")
        self.is_whole()
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)


class Unseen(Project):
    """Our credential sees neither project nor tokens; the rescue credential does."""
    world = world(owner="guest")
    rescue = "root-secret"

    def setUp(self):
        super().setUp()
        self.sim.act("remove_member", owner="hall", user="agent")

    test_no_pattern_rotates_it = None

    def test_it_goes_through_its_project(self):
        self.exits(0, "run")
        self.is_whole()
        self.assertEqual(self.asked("POST")[0]["path"], "/api/v4/personal_access_tokens/self/rotate")


class Rescued(Personal):
    """What nobody gets back by himself, the rescue credential does."""
    rescue = "root-secret"
    told = "GLR-109"  # which sees that nothing is left

    def test_a_lost_answer_needs_a_person_and_then_a_new_secret(self):
        self.sim.fault("drop_after_commit", method="POST", path=SELF_ROTATE)
        self.exits(0, "run")
        self.is_whole()
        self.advance("85d")
        self.exits(0, "run")
        self.is_whole()

    def test_killed_before_any_request_is_carried_out(self):
        self.kill_everywhere("delay_after")


class Old(Self):
    """Before 16.10 there is no `self`, and `api` is needed."""
    version = "16.9.2"
    world = world(("api",))

    def test_it_rotates_itself_by_its_number(self):
        self.exits(0, "run")
        self.is_whole()
        self.assertRegex(self.asked("POST")[0]["path"], r"/personal_access_tokens/\d+/rotate$")


if __name__ == "__main__":
    main()
