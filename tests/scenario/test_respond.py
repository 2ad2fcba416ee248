"""What others did, and what was lost: taken over and made anew where the policy says so, and only then."""
from harness import Case, main, until

OLD = "glpat-push-old-000000"
TOKEN = {"name": "push", "secret": OLD, "scopes": ["read_api"], "access_level": "developer", "created": "-10d", "expires": "+80d"}
WORLD = {
    "users": [{"username": "alice", "tokens": [{"name": "laptop", "created": "-10d", "expires": "+80d"}]}],
    "projects": [{"path": "shop/api", "tokens": [TOKEN], "variables": [{"key": "PUSH", "value": OLD}]}]}
ENTRY = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
    {}
"""
TAKEOVER = ENTRY.format("on_foreign_rotation: takeover")
RECREATE = ENTRY.format("on_loss: recreate")
STATED = RECREATE + "    scopes: [ read_api ]\n    access_level: developer\n"
ROTATE = "*access_tokens/*/rotate"


class Respond(Case):
    world = WORLD
    tokens = ENTRY.format("")

    def adopt(self, tokens):
        self.host.set_tokens(tokens)
        self.exits(0, "run")
        return self.living("push")

    def order(self):
        return self.host.run("rotate", "push", "--reason", "test")

    def value(self):
        return self.variable("shop/api", "PUSH")["value"]

    def is_whole(self):
        self.assertEqual(self.value(), self.living("push")["secret"])

    def posts(self, path="/rotate$"):
        return self.asked("POST", path)


class Takeover(Respond):
    def test_a_foreign_rotation_is_taken_over(self):
        token = self.adopt(TAKEOVER)
        theirs = self.sim.act("rotate", token=token["id"])
        plan = self.exits(0, "plan").out
        self.assertIn(f"somebody else rotated it: #{theirs['id']} is taken over", plan)
        self.exits(0, "run")
        self.is_whole()
        self.assertFalse(self.sim.alive(theirs["id"]))
        self.assertIn(f"rotate #{theirs['id']}, taken over from whoever made it",
                      self.host.events("rotation.intended")[0])
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])

    def test_once_a_day_at_most(self):
        token = self.adopt(TAKEOVER)
        self.sim.act("rotate", token=token["id"])
        self.exits(0, "run")
        theirs = self.sim.act("rotate", token=self.living("push")["id"])
        self.advance("23h")
        for _ in range(3):
            self.needs_person(self.host.run("run"), "GLR-108")
        self.assertEqual(len(self.posts()), 1)
        self.assertTrue(self.sim.alive(theirs["id"]))
        self.advance("2h")
        self.exits(0, "run")
        self.assertEqual(len(self.posts()), 2)
        self.is_whole()

    def test_an_order_does_not_wait_for_a_day(self):
        token = self.adopt(TAKEOVER)
        self.sim.act("rotate", token=token["id"])
        self.exits(0, "run")
        self.sim.act("rotate", token=self.living("push")["id"])
        self.assertEqual(self.order().code, 0)
        self.is_whole()

    def test_what_is_ambiguous_is_for_a_person(self):
        token = self.adopt(TAKEOVER)
        self.sim.act("rotate", token=token["id"])
        self.sim.act("rotate", token=token["id"])
        self.assertEqual(len([t for t in self.tokens_of("push") if t["alive"]]), 2)
        self.needs_person(self.host.run("run"), "GLR-108")
        self.assertEqual(self.changes(), [])

    def test_one_made_anew_is_for_a_person(self):
        token = self.adopt(TAKEOVER)
        self.sim.act("revoke", token=token["id"])
        self.sim.act("create_token", kind="project", owner="shop/api", name="push", scopes=["api"], expires="+20d")
        self.needs_person(self.host.run("run"), "GLR-108")
        self.assertEqual(self.changes(), [])

    def test_a_revocation_is_no_rotation(self):
        token = self.adopt(TAKEOVER)
        self.sim.act("revoke", token=token["id"])
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.changes(), [])

    def foreign_in_the_middle(self, tokens):
        self.adopt(tokens)
        token = self.living("push")
        self.sim.act("rotate", token=token["id"], before={"nth": 1, "method": "PUT", "path": "*/variables/*"})

    def test_a_row_in_the_middle_is_taken_over_too(self):
        """GitLab says "already revoked" to our request; a second agent has been there."""
        self.foreign_in_the_middle(TAKEOVER)
        self.assertEqual(self.order().code, 0)
        self.is_whole()

    def test_a_row_in_the_middle_is_taken_over_once_a_day_at_most(self):
        self.foreign_in_the_middle(TAKEOVER)
        self.assertEqual(self.order().code, 0)
        self.advance("1h")
        self.sim.act("rotate", token=self.living("push")["id"], before={"nth": 1, "method": "PUT", "path": "*/variables/*"})
        self.needs_person(self.order(), "GLR-108")
        self.needs_person(self.host.run("run"), "GLR-108")
        self.advance("1d")
        self.exits(0, "run")
        self.is_whole()

    def test_an_open_row_follows_an_edited_policy(self):
        self.foreign_in_the_middle(ENTRY.format(""))
        self.needs_person(self.order(), "GLR-108")
        self.needs_person(self.host.run("run"), "GLR-108")
        self.host.set_tokens(TAKEOVER)
        self.exits(0, "run")
        self.is_whole()

    def test_two_agents_that_take_over_end_at_one_rotation_a_day_each(self):
        """They do not share stamps: the other delivers elsewhere."""
        self.adopt(TAKEOVER)
        other = self.host.path / "other"
        other.mkdir(mode=0o700)
        elsewhere = TAKEOVER.replace("ci_variable: PUSH", f"file: {self.host.path}/push")
        for _ in range(4):
            self.host.set_tokens(elsewhere)
            self.host.run("run", state=other)
            self.host.run("rotate", "push", "--reason", "test", state=other) if not self.posts() else None
            self.host.set_tokens(TAKEOVER)
            self.host.run("run")
        # The order of the one, the answer of the other; then both wait for tomorrow.
        self.assertEqual(len(self.posts()), 2)


class Recreate(Respond):
    def lose(self):
        """Our rotation's answer is lost, and its successor is revoked before anybody looks."""
        token = self.living("push")
        self.sim.fault("drop_after_commit", method="POST", path=ROTATE)
        self.sim.act("revoke", token="push", after={"nth": 1, "method": "POST", "path": ROTATE})
        return token

    def test_a_loss_of_ours_is_made_anew_under_the_old_ones_scopes_and_level(self):
        old = self.adopt(RECREATE)
        self.lose()
        ended = self.order()
        self.assertEqual(ended.code, 3, ended)
        self.needs_person(ended, "GLR-123")
        self.assertIn("protected branches", ended.err)
        self.is_whole()
        new = self.living("push")
        self.assertEqual(new["scopes"], ["read_api"])
        made = self.posts("/access_tokens$")
        self.assertEqual(len(made), 1)
        self.assertEqual(made[0]["body"]["access_level"], 30)
        self.assertNotEqual(new["user_id"], old["user_id"])
        self.forget_requests()
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])

    def test_a_loss_is_told_where_the_policy_says_nothing(self):
        self.adopt(ENTRY.format(""))
        self.lose()
        self.needs_person(self.order(), "GLR-109")
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.posts("/access_tokens$"), [])
        self.host.set_tokens(RECREATE)
        self.assertIn("with a new bot", self.exits(3, "run").err)
        self.is_whole()

    def test_what_a_person_revoked_is_never_made_anew(self):
        token = self.adopt(STATED)
        self.sim.act("revoke", token=token["id"])
        for _ in range(2):
            self.needs_person(self.host.run("run"), "GLR-109")
        self.needs_person(self.order(), "GLR-109")
        self.advance("100d")
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.changes(), [])

    def test_what_was_revoked_before_our_request_came_is_not_ours(self):
        self.adopt(STATED)
        self.sim.act("revoke", token="push", before={"nth": 1, "method": "POST", "path": ROTATE})
        self.needs_person(self.order(), "GLR-109")
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.posts("/access_tokens$"), [])

    def test_a_secret_that_we_held_and_a_person_revoked_is_not_made_anew(self):
        self.adopt(STATED)
        self.sim.act("revoke", token="push", before={"nth": 2, "method": "PUT", "path": "*/variables/*"})
        self.sim.fault("status", method="PUT", path="*/variables/*", status=403, nth=2, times=1,
                       body='{"message":"403 Forbidden"}', content_type="application/json")
        self.assertEqual(self.order().code, 3)
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.posts("/access_tokens$"), [])

    def test_a_lost_successor_that_somebody_used_is_not_ours(self):
        self.adopt(STATED)
        self.sim.fault("drop_after_commit", method="POST", path=ROTATE)
        self.sim.act("several", acts=[{"act": "rotate", "token": "push"}, {"act": "revoke", "token": "push"}],
                     after={"nth": 1, "method": "POST", "path": ROTATE})
        self.needs_person(self.order(), "GLR-109")
        self.assertEqual(self.posts("/access_tokens$"), [])

    def test_the_answer_to_the_creation_may_be_lost_too(self):
        self.adopt(RECREATE)
        self.lose()
        self.sim.fault("drop_after_commit", method="POST", path="*/access_tokens")
        self.order()
        self.settles()
        self.is_whole()
        self.assertEqual(len(self.posts("/access_tokens$")), 1)

    def test_one_that_a_person_made_meanwhile_is_not_doubled(self):
        self.adopt(RECREATE)
        self.lose()
        self.sim.act("create_token", kind="project", owner="shop/api", name="push", scopes=["api"], expires="+20d",
                     after={"nth": 1, "method": "POST", "path": ROTATE})
        self.needs_person(self.order(), "GLR-108")
        self.assertEqual(self.posts("/access_tokens$"), [])

    def test_a_killed_run_goes_on_with_the_new_one(self):
        self.adopt(RECREATE)
        self.lose()
        self.sim.fault("delay_after", method="POST", path="*/access_tokens")
        running = self.host.start("rotate", "push", "--reason", "test")
        until(self.is_held, "the creation")
        running.kill()
        running.communicate()
        self.settles()
        self.is_whole()

    def test_a_persons_token_keeps_its_user(self):
        self.host.set_tokens("""
  - token: personal:alice:laptop
    on_loss: recreate
    deliver: [ ci_variable: { key: ALICE, project: shop/api } ]
""")
        self.exits(0, "run")
        old = self.living("laptop")
        self.sim.fault("drop_after_commit", method="POST", path=ROTATE)
        self.sim.act("revoke", token="laptop", after={"nth": 1, "method": "POST", "path": ROTATE})
        self.exits(0, "rotate", "laptop", "--reason", "test")
        new = self.living("laptop")
        self.assertEqual((new["user_id"], new["scopes"]), (old["user_id"], old["scopes"]))
        self.assertEqual(self.variable("shop/api", "ALICE")["value"], new["secret"])


class Many(Respond):
    """Four that are lost in one run."""
    world = {"projects": [{"path": "shop/api", "tokens": [{**TOKEN, "name": f"t{n}", "secret": None} for n in range(4)]}]}
    tokens = "".join(f"""
  - token: project:shop/api:t{n}
    on_loss: recreate
    deliver: [ ci_variable: T{n} ]
""" for n in range(4))

    def setUp(self):
        for token in self.world["projects"][0]["tokens"]:
            token.pop("secret", None)
        super().setUp()

    def lose(self, names):
        for name in names:
            token = self.living(name)["id"]
            path = f"*/access_tokens/{token}/rotate"
            self.sim.fault("drop_after_commit", method="POST", path=path)
            self.sim.act("revoke", token=name, after={"nth": 1, "method": "POST", "path": path})
        return self.host.run("rotate", *names, "--reason", "test")

    def test_three_are_made_anew(self):
        self.exits(0, "run")
        self.assertIn("with a new bot", self.lose(["t0", "t1", "t2"]).err)
        for name in ("t0", "t1", "t2"):
            self.assertEqual(self.variable("shop/api", name.upper())["value"], self.living(name)["secret"])

    def test_of_four_none_is_and_a_person_goes_on(self):
        self.exits(0, "run")
        names = ["t0", "t1", "t2", "t3"]
        self.needs_person(self.lose(names), "GLR-122")
        self.needs_person(self.host.run("run"), "GLR-122")
        self.assertIn("GLR-122", self.host.run("status").out)
        self.assertEqual(self.posts("/access_tokens$"), [])
        self.host.run("rotate", "t0", "t1", "--reason", "lost")
        self.host.run("rotate", "t2", "t3", "--reason", "lost")
        self.exits(0, "run")
        for name in names:
            self.assertEqual(self.variable("shop/api", name.upper())["value"], self.living(name)["secret"])


class Away(Respond):
    """The host was off for months."""

    def test_what_only_ran_out_is_rotated(self):
        self.adopt(STATED)
        self.advance("100d")
        self.exits(0, "run")
        self.is_whole()
        self.assertEqual(self.posts("/access_tokens$"), [])

    def test_what_ran_out_and_was_removed_is_made_anew(self):
        token = self.adopt(STATED)
        self.advance("120d")
        self.sim.act("purge_bot", token=token["id"])
        self.assertIn("it ran out on 2027-02-09 and was removed while no run was made", self.exits(0, "plan").out)
        self.assertIn("with a new bot", self.exits(3, "run").err)
        self.is_whole()
        self.exits(0, "run")

    def test_it_is_told_where_the_policy_says_nothing(self):
        token = self.adopt(ENTRY.format(""))
        self.advance("120d")
        self.sim.act("purge_bot", token=token["id"])
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.changes(), [])

    def test_it_is_told_where_nothing_says_what_it_could_do(self):
        token = self.adopt(RECREATE)
        self.advance("120d")
        self.sim.act("purge_bot", token=token["id"])
        self.needs_person(self.host.run("run"), "GLR-115")
        self.assertEqual(self.changes(), [])

    def test_one_that_is_gone_before_its_date_is_told(self):
        token = self.adopt(STATED)
        self.advance("30d")
        self.sim.act("purge_bot", token=token["id"])
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.changes(), [])
        # And stays so when its date has passed: a run was made that did not find all well.
        self.advance("100d")
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.changes(), [])

    def test_one_that_a_person_revoked_and_gitlab_removed_is_told(self):
        token = self.adopt(STATED)
        self.sim.act("revoke", token=token["id"])
        self.needs_person(self.host.run("run"), "GLR-109")
        self.host.set_tokens(STATED + "  - token: personal:alice:laptop\n    deliver: [ file: /tmp/never ]\n")
        self.host.run("rotate", "laptop", "--reason", "an order that ends well")
        self.host.set_tokens(STATED)
        self.advance("120d")
        self.sim.act("purge_bot", token=token["id"])
        self.forget_requests()
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.changes(), [])

    def test_four_that_were_removed_are_for_a_person(self):
        names = ["push", "b", "c", "d"]
        for name in names[1:]:
            self.sim.act("create_token", kind="project", owner="shop/api", name=name, scopes=["api"], expires="+80d")
        self.host.set_tokens("".join(STATED.replace("push", n).replace("PUSH", n.upper()) for n in names))
        self.exits(0, "run")
        self.advance("120d")
        for name in names:
            self.sim.act("purge_bot", token=self.tokens_of(name)[0]["id"])
        self.needs_person(self.host.run("run"), "GLR-122")
        self.assertEqual(self.changes(), [])

    def test_a_user_who_is_gone_takes_the_token_along(self):
        self.host.set_tokens("""
  - token: personal:alice:laptop
    on_loss: recreate
    scopes: [ api ]
    deliver: [ ci_variable: { key: ALICE, project: shop/api } ]
""")
        self.exits(0, "run")
        self.advance("120d")
        self.sim.ask("DELETE", f"/users/{self.tokens_of('laptop')[0]['user_id']}?by=tests")
        self.forget_requests()
        self.sim.act("purge_bot", user="alice")
        self.needs_person(self.host.run("run"), "GLR-119")
        self.assertEqual(self.changes(), [])


if __name__ == "__main__":
    main()
