"""A destination that an entry has got since: filled from another that holds the secret, when that is proven; else at the next rotation."""
from harness import Case, main

NAME = "project:shop/api:push"
WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "HID", "value": "old-value-00000", "masked": True, "hidden": True}]},
    {"path": "shop/web", "variables": [{"key": "TAKEN", "value": "old-value-00000"}]}]}


class Fill(Case):
    world = WORLD

    def deliver(self, *places):
        self.host.set_tokens(f"\n  - token: {NAME}\n    deliver: [ {', '.join(places)} ]\n")

    def rotated(self, *places):
        self.deliver(*places)
        self.exits(0, "run")
        self.forget_requests()

    def holds(self, owner, key):
        self.assertEqual(self.variable(owner, key)["value"], self.living("push")["secret"])

    def test_a_new_place_gets_the_proven_secret_and_its_stamp(self):
        self.rotated("ci_variable: PUSH")
        self.deliver("ci_variable: PUSH", "ci_variable: { key: TAKEN, project: shop/web }", f"file: {self.host.path}/push")
        for verb in (("plan",), ("explain", NAME)):
            self.assertIn("new: filled by the next run, from ci_variable shop/api PUSH *", self.exits(0, *verb).out)
        self.assertIn("delivered to 2 destinations; nothing needs you", self.exits(0, "run").out)
        self.holds("shop/web", "TAKEN")
        self.assertEqual((self.host.path / "push").read_text().strip(), self.living("push")["secret"])
        self.assertEqual(self.asked("POST", "/rotate$"), [])
        self.assertEqual(self.variable("shop/web", "TAKEN")["description"], self.variable("shop/api", "PUSH")["description"])
        writes = [r["n"] for r in self.changes()]
        proofs = [r["n"] for r in self.asked("GET", "/self$") if r["token_id"] == self.living("push")["id"]]
        self.assertLess(min(proofs), min(writes))
        self.assertEqual(len([e for e in self.host.events("delivery.proven") if "from ci_variable" in e]), 2)
        self.forget_requests()
        self.assertEqual(self.exits(0, "run").out, "")
        self.assertEqual([r for r in self.asked() if "variables" in r["path"]], [])
        self.assertNotIn("new:", self.exits(0, "explain", NAME).out)

    def test_one_that_refuses_keeps_no_other_waiting(self):
        self.sim.act("create_token", kind="project", owner="shop/api", name="pull", created="-84d", expires="+6d")

        def entries(*more):
            self.host.set_tokens("".join(
                f"\n  - token: project:shop/api:{name}\n    deliver: [ {', '.join((f'ci_variable: {name.upper()}',) + more)} ]\n"
                for name, more in zip(("push", "pull"), more)))
        entries((), ())
        self.exits(0, "run")
        refusing = tuple(f"ci_variable: {{ key: BAD_{n}, project: shop/web }}" for n in (1, 2))
        entries(refusing[:1] + (f"file: {self.host.path}/push",), refusing[1:] + (f"file: {self.host.path}/pull",))
        self.sim.fault("status", path="*/variables*", status=403, times=0, method="POST",
                       body='{"message":"403 Forbidden"}', content_type="application/json")
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-113")
        self.assertNotIn("later run", ended.out)
        for name in ("push", "pull"):
            self.assertIn(f"project:shop/api:{name}: a new destination is not filled yet", ended.err)
            self.assertEqual((self.host.path / name).read_text().strip(), self.living(name)["secret"])

    def test_one_that_was_set_aside_gets_it_when_it_is_well_again(self):
        self.deliver("ci_variable: PUSH", "ci_variable: { key: TAKEN, project: shop/web }")
        self.sim.fault("status", method="PUT", path="*/variables/TAKEN", status=403, times=0, nth=2,
                       body='{"message":"403 Forbidden"}', content_type="application/json")
        self.exits(3, "run")
        self.advance("8d")
        self.assertIn("was set aside", self.exits(3, "run").err)
        self.assertEqual(self.exits(0, "run").out, "", "that it refuses is known")
        self.assertIn("set aside: tried again by each run, from ci_variable shop/api PUSH *", self.exits(0, "plan").out)
        self.assertIn("set aside", self.exits(1, "status").out)
        self.clear_faults()
        self.assertIn("delivered to 1 destination", self.exits(0, "run").out)
        self.holds("shop/web", "TAKEN")
        self.exits(0, "status")
        self.forget_requests()
        self.assertEqual(self.exits(0, "run").out, "")
        self.assertEqual([r for r in self.asked() if "variables" in r["path"]], [])

    def test_one_that_is_hidden_everywhere_waits_for_the_next_rotation(self):
        self.rotated("ci_variable: { key: HID, visibility: hidden }")
        self.deliver("ci_variable: { key: HID, visibility: hidden }", "ci_variable: { key: TAKEN, project: shop/web }")
        self.assertIn("new: filled at the next rotation", self.exits(0, "plan").out)
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])
        self.exits(0, "rotate", "push", "--reason", "test")
        self.holds("shop/web", "TAKEN")

    def test_what_is_not_the_tokens_secret_goes_nowhere(self):
        for what, value in (("dead", "glpat-nobodys-secret-0"), ("another's", self.sim.truth(id=1)["secret"])):
            with self.subTest(what):
                self.again()
                self.rotated("ci_variable: PUSH")
                self.sim.act("set_variable", owner="shop/api", key="PUSH", value=value)
                self.deliver("ci_variable: PUSH", "ci_variable: { key: TAKEN, project: shop/web }")
                self.needs_person(self.host.run("run"), "GLR-113")
                self.assertEqual(self.changes(), [])

    def test_what_would_be_more_than_one_header_is_not_sent(self):
        """Whoever may write the variable may not write requests of ours, nor lines into a file of this host."""
        for more in ("\r\nX-A: 1\nALL_PROXY=http://evil.example", "\r\n\r\nGET /api/v4/projects?smuggled=1 HTTP/1.1\r\nHost: x"):
            with self.subTest(more):
                self.doCleanups()
                self.setUp()
                self.rotated("ci_variable: PUSH")
                self.sim.act("set_variable", owner="shop/api", key="PUSH", value=self.living("push")["secret"] + more)
                self.deliver("ci_variable: PUSH", f"file: {self.host.path}/push")
                self.needs_person(self.host.run("run"), "GLR-113")
                self.assertFalse((self.host.path / "push").exists())
                self.assertEqual([r for r in self.asked() if "smuggled" in r["path"] or r["path"].endswith("/self") and r["token_id"] != 1], [])

    def test_a_write_whose_answer_is_lost_is_done_again(self):
        self.rotated("ci_variable: PUSH")
        self.deliver("ci_variable: PUSH", "ci_variable: { key: TAKEN, project: shop/web }")
        self.sim.fault("drop_after_commit", method="PUT", path="*/TAKEN")
        self.exits(1, "run")
        self.exits(0, "run")
        self.holds("shop/web", "TAKEN")
        self.assertEqual(self.exits(0, "run").out, "")

    def test_another_agents_place_is_not_written_over(self):
        self.rotated("ci_variable: PUSH")
        stamp = f"[glrotate #7 2026-11-21 g3 {'f' * 32}]"
        self.sim.act("set_variable", owner="shop/web", key="TAKEN", description=stamp)
        self.deliver("ci_variable: PUSH", "ci_variable: { key: TAKEN, project: shop/web }")
        self.needs_person(self.host.run("run"), "GLR-107")
        self.assertEqual(self.variable("shop/web", "TAKEN")["value"], "old-value-00000")

    def test_a_token_that_was_only_adopted_is_left_alone(self):
        self.sim.act("create_token", kind="project", owner="shop/api", name="young", expires="+300d")
        young = "\n  - token: project:shop/api:young\n    deliver: [ ci_variable: YOUNG%s ]\n"
        self.host.set_tokens(young % "")
        self.exits(0, "run")
        self.host.set_tokens(young % ", ci_variable: { key: TAKEN, project: shop/web }")
        self.exits(0, "run")
        self.assertEqual(self.changes(), [])


if __name__ == "__main__":
    main()
