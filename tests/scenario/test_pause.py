"""Nothing new is begun for what is paused; what was begun is finished, and what would die meanwhile is named."""
from harness import HERE, Case, day, main, until

UNTIL = day(20)
END = f"{UNTIL} 00:00 UTC"
WORLD = {"projects": [
    {"path": f"shop/{name}",
     "tokens": [{"name": "push", "secret": f"glpat-{name}-old-0000000", "created": f"-{age}d", "expires": f"+{left}d"}],
     "variables": [{"key": "PUSH", "value": f"glpat-{name}-old-0000000"}]}
    for name, age, left in (("api", 80, 10), ("web", 80, 12), ("far", 10, 80))]}
TOKENS = """
  - token: "project:shop/**:push"
    deliver: [ ci_variable: PUSH ]
"""
WORLD["projects"].append({"path": "shop/new"})
API, WEB, FAR, NEW = (f"project:shop/{name}:push" for name in ("api", "web", "far", "new"))
WHY = ("--until", UNTIL, "--reason", "freeze of the release")


class Pause(Case):
    world = WORLD
    tokens = TOKENS
    clock = HERE

    def rotated(self):
        return [r["path"] for r in self.asked("POST", "/rotate$")]

    def plan(self, *more):
        return {t["token"]: t for t in self.exits(0, "plan", "--json", *more).json["tokens"]}

    def test_nothing_new_is_begun_until_it_ends(self):
        self.exits(0, "pause", "project:shop/**", *WHY)
        ended = self.exits(0, "run")
        self.assertEqual((self.rotated(), self.host.events("token.adopted") != []), ([], True), ended)
        self.assertEqual({k: t["action"] for k, t in self.plan().items()},
                         {API: "paused", WEB: "paused", FAR: "nothing"})
        self.assertEqual(self.plan("--at", UNTIL)[API]["action"], "rotate")
        self.assertNotIn("paused", self.plan("--at", UNTIL)[API])
        self.advance("20d")
        self.settles()
        self.assertEqual(len(self.rotated()), 2)
        self.assertEqual(self.host.events("pause.ended"), ["project:shop/**: its time is over"])
        self.assertEqual(self.host.run("pause").out, "nothing is paused\n")

    def test_what_would_die_is_named_from_the_beginning(self):
        self.exits(0, "pause", "--all", *WHY)
        self.exits(0, "run")
        made = self.exits(0, "pause", "--all", *WHY)
        dies = day(10)
        self.assertIn(f"warning: {API} dies {dies}, within the pause\n", made.err)
        self.assertNotIn(FAR, made.err)
        self.assertIn("(3 tokens now)", made.out)
        words = f"paused until {END} by "
        for verb in (("plan",), ("status",), ("explain", API)):
            out = self.exits(0, *verb).out
            self.assertRegex(out, f"{words}.*: freeze of the release; dies {dies}, within the pause")
        status = {t["token"]: t for t in self.exits(0, "status", "--json").json["tokens"]}
        self.assertEqual({k: (t["state"], t["paused"]["dies_within"]) for k, t in status.items()},
                         {API: ("paused", True), WEB: ("paused", True), FAR: ("paused", False)})
        self.assertIn(f"brake on *: {words}", self.exits(0, "check").out)

    def test_a_pattern_means_what_comes_later_and_a_name_one_token(self):
        self.exits(0, "pause", "project:shop/**", *WHY)
        self.exits(0, "run")
        self.sim.act("create_token", kind="project", owner="shop/new", name="push", scopes=["api"], expires="+5d")
        self.exits(0, "run")
        self.assertEqual((self.plan()[NEW]["paused"]["tokens"], self.rotated()), ("project:shop/**", []))
        self.assertIn(f"{NEW}: paused until {END}", self.exits(0, "status").out)
        self.exits(0, "resume", "--all")
        self.exits(2, "pause", "push", *WHY)
        ids = {t["token"]: t["id"] for t in self.host.run("status", "--all", "--json").json["tokens"]}
        self.exits(0, "pause", f"#{ids[API]}", *WHY)
        self.exits(0, "pause", "--owner", "shop/w*", *WHY)
        rows = self.exits(0, "pause", "--json").json["pauses"]
        self.assertEqual(sorted(r["tokens"] for r in rows), ["*:shop/w*", API])
        self.assertEqual({r["until"] for r in rows}, {UNTIL + "T00:00:00Z"})
        self.assertEqual({r["reason"] for r in rows}, {"freeze of the release"})
        refused = self.exits(2, "resume", WEB)
        self.assertIn("held by '*:shop/w*'", refused.err)
        self.exits(0, "resume", "project:shop/**")
        self.assertEqual([r["tokens"] for r in self.host.run("pause", "--json").json["pauses"]], ["*:shop/w*"])
        self.host.run("run")
        self.assertEqual(len(self.rotated()), 1)

    def test_a_token_that_a_pattern_holds_as_well_is_not_said_to_be_free(self):
        self.exits(0, "pause", "--all", *WHY)
        self.exits(0, "run")
        self.exits(0, "pause", API, *WHY)
        self.exits(0, "pause", "project:shop/**", *WHY)
        ended = self.exits(0, "resume", API)
        self.assertIn("resumed", ended.out)
        self.assertIn(f"warning: still held by 'project:shop/**', paused until {END}", ended.err)
        self.assertNotIn("still held", self.exits(0, "resume", "--all").err)

    def test_what_cannot_be_meant_is_refused(self):
        late = day(92)
        for words, text in [(("--all", "--reason", "x"), "until when"), (("--all", "--until", UNTIL), "why?"),
                            (("--all", "--until", day(-1), "--reason", "x"), "is over"),
                            (("--all", "--until", late, "--reason", "x"), "more than 90d ahead"),
                            ((*WHY,), "which tokens"), ((API, "--all", *WHY), "--all means every token"),
                            (("project:shop/nosuch:push", *WHY), "means no token")]:
            self.assertIn(text, self.exits(2, "pause", *words).err)
        self.assertIn("is not paused", self.exits(2, "resume", "project:*").err)
        self.assertIn("which tokens", self.exits(2, "resume").err)

    def test_an_order_goes_through_and_says_so(self):
        self.exits(0, "pause", "project:shop/**", *WHY)
        self.exits(0, "run")
        ended = self.exits(0, "rotate", API, "--reason", "leaked")
        self.assertRegex(ended.err, f"{API}: paused until {END} by .*: freeze of the release; rotated all the same")
        self.assertEqual(len(self.rotated()), 1)
        self.assertEqual(self.variable("shop/api", "PUSH")["value"],
                         [t for t in self.tokens_of("push") if t["alive"]][-1]["secret"])

    def test_what_was_begun_is_finished(self):
        self.sim.fault("delay_after", path="*/rotate")
        running = self.host.start("rotate", API, "--reason", "first")
        self.addCleanup(running.kill)
        until(self.is_held, "the request")
        running.kill()
        running.communicate()
        self.sim.release()
        self.clear_faults()
        self.exits(0, "pause", "--all", *WHY)
        self.settles()
        self.assertEqual(self.host.events("rotation.closed"), ["its secret is erased from the journal"])
        self.assertTrue(self.opens(self.variable("shop/api", "PUSH")["value"]))
        self.assertEqual(self.plan()[WEB]["action"], "paused")

    def test_what_was_planned_and_sent_nothing_waits(self):
        self.sim.fault("status", method="PUT", path="*/variables/*", times=0, status=500)
        self.exits(1, "run")
        self.clear_faults()
        self.assertEqual({e["state"] for e in self.opened()}, {"PLANNED"})
        self.exits(0, "pause", "--all", *WHY)
        self.exits(0, "run")
        self.assertEqual((self.rotated(), len(self.opened())), ([], 2))
        self.assertIn(f"; paused until {END}", self.plan()[API]["why"])
        self.exits(0, "resume", "--all")
        self.settles()
        self.assertEqual((len(self.rotated()), self.opened()), (2, []))

    def opened(self):
        return [t["open"] for t in self.host.run("status", "--json").json["tokens"] if "open" in t]

    def test_a_new_destination_waits_too(self):
        self.exits(0, "run")
        self.exits(0, "pause", API, *WHY)
        self.host.set_tokens(TOKENS.replace("PUSH ]", "PUSH, ci_variable: MORE ]"))
        self.exits(0, "run")
        held = {p: len(self.sim.ask("GET", f"/sim/variables?owner=shop/{p}&key=MORE").json) for p in ("api", "web")}
        self.assertEqual(held, {"api": 0, "web": 1})
        self.exits(0, "resume", API)
        self.exits(0, "run")
        self.assertEqual(self.variable("shop/api", "MORE")["value"], self.variable("shop/api", "PUSH")["value"])

    def test_the_file_stops_everything_and_says_why(self):
        file = self.host.path / "FREEZE"
        file.write_text("moving the data centre\nsecond line\n")
        frozen = f"frozen by {file}: moving the data centre"
        self.exits(0, "run")
        ended = self.exits(0, "run")
        self.assertEqual((ended.out, ended.err), ("", f"{frozen}; nothing new is begun\n"))
        self.assertEqual(self.rotated(), [])
        for verb in (("plan",), ("check",), ("check", "--offline"), ("status",), ("pause",), ("explain", API)):
            self.assertIn(frozen, self.exits(0, *verb).out)
        self.assertIn(f"still {frozen}", self.exits(0, "resume", "--all").err)
        # It is there all the same when nobody can read why.
        file.unlink()
        file.symlink_to("nowhere")
        self.assertIn("nothing new is begun", self.exits(0, "run").err)
        file.unlink()
        self.settles()
        self.assertEqual(len(self.rotated()), 2)


if __name__ == "__main__":
    main()
