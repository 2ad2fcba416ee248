"""The slot of a group, which reaches the projects right below it, and the pair of variables for the others."""
import signal

from harness import main, until
from slots import NAME, OLD, PASSWORD, USER, WORST, SlotCase, slot

OWN = "gldt-own-000000000000"


class GroupCase(SlotCase):
    address = f"group_deploy:shop:{NAME}"
    owner = "shop"
    world = {"groups": [{"path": "shop", "deploy_tokens": [slot()]}, {"path": "else"}],
             "projects": [{"path": "shop/api"}, {"path": "shop/web"},
                          {"path": "shop/old", "archived": True},
                          {"path": "shop/own", "deploy_tokens": [slot(secret=OWN, username="own", expires="+80d")]},
                          {"path": "shop/sub/deep"}, {"path": "else/lent", "shared_with": ["shop"]}]}
    lengths = ()
    jobs_in = ("shop/api",)

    def replaced(self):
        self.exits(0, "run")
        new = self.alive_now()[-1]
        self.assertEqual(self.pins(), {"shop/api": new["secret"], "shop/web": new["secret"]})
        return new


class Sampled(GroupCase):
    lengths = (15, 110, 40)
    every = 10

    def test_no_job_loses_its_password_though_projects_come_and_go(self):
        for self.choice in WORST[::2]:
            with self.subTest(gitlab_hands_out=self.choice):
                self.jobs_in = ("shop/api", "shop/own", "shop/web")
                self.again()
                self.minutes(60)
                self.jobs_between_requests()
                self.hours(1)
                self.sim.act("create_project", path="shop/new")
                self.sim.act("archive_project", path="shop/web")
                self.jobs_in = ("shop/api", "shop/own", "shop/new")
                self.sim.ask("DELETE", "/sim/acts")
                self.minutes(30)
                self.hours(3, (0, 1, 3))
                self.is_done_but_for("shop/web")

    def is_done_but_for(self, *archived):
        """The pin of an archived project cannot be taken away; it names the token that lives."""
        living, = self.alive_now()
        self.assertEqual(self.pins(), {path: living["secret"] for path in archived})
        self.assertEqual(self.states()[-1], "closed")


class Children(GroupCase):
    def test_each_that_it_reaches_is_pinned_and_no_other(self):
        self.replaced()
        self.advance("31m")
        self.exits(0, "run")
        self.is_done()
        self.assertEqual([t["secret"] for t in self.alive_now("shop/own")], [OWN])

    def test_check_and_plan_say_whom_it_reaches(self):
        for verb in ("check", "plan"):
            said = self.exits(0, verb).out
            self.assertIn("slot group:shop: GitLab hands it to 2 projects; 1 project has a slot of its own; "
                          "not 1 project of groups further below (shop/sub/deep): ci_deploy_pair serves those", said)

    def test_a_variable_of_a_project_below_refuses_it(self):
        for owner, key in (("shop/web", PASSWORD), ("shop", "CI_DEPLOY_USER"), (None, PASSWORD)):
            with self.subTest(owner=owner):
                self.again()
                self.sim.act("set_variable", key=key, value="by-hand-0000", **({"owner": owner} if owner else {}))
                self.needs_person(self.host.run("run"), "GLR-128")
                self.assertEqual(self.changes(), [])
                self.assertIn(f"FAIL slot group:shop: cannot: the variable {key}", self.host.run("check").out)
        # What stands in a project that has a slot of its own is not in the way.
        self.again()
        self.sim.act("set_variable", owner="shop/own", key=PASSWORD, value="by-hand-0000")
        self.exits(0, "run")

    def test_jobs_of_every_project_are_waited_for(self):
        # One of them was reached until a moment ago.
        jobs = [self.start(project)["id"] for project in ("shop/api", "shop/web", "shop/old")]
        self.replaced()
        self.advance("31m")
        for job in jobs:
            self.exits(0, "run")
            self.nobody_lost_it()
            self.finish(job)
        self.exits(0, "run")
        self.is_done()

    def test_one_that_moves_away_is_unpinned_and_its_jobs_keep_their_password(self):
        self.choice = "oldest"
        self.again()
        job = self.start("shop/web")["id"]
        self.replaced()
        self.sim.act("rename_project", path="shop/web", to="else/web")
        self.exits(0, "run")
        self.assertEqual(list(self.pins()), ["shop/api"])
        self.advance("31m")
        self.exits(0, "run")
        self.nobody_lost_it()
        self.finish(job)
        self.exits(0, "run")
        self.is_done()

    def test_one_that_gets_a_slot_of_its_own_is_unpinned(self):
        self.replaced()
        self.sim.ask("POST", "/projects/shop%2Fweb/deploy_tokens?by=tests",
                     {"name": NAME, "username": "web", "scopes": ["read_registry"]})
        self.exits(0, "run")
        self.assertEqual(list(self.pins()), ["shop/api"])
        self.advance("6m")
        self.assertEqual(self.start("shop/web")["variables"]["CI_DEPLOY_USER"], "web")
        self.nobody_lost_it()
        self.advance("31m")
        self.exits(0, "run")
        self.is_done()

    def test_one_that_comes_late_with_a_variable_of_its_own_is_told_and_holds_nobody_up(self):
        self.replaced()
        self.sim.act("create_project", path="shop/new")
        self.sim.act("set_variable", owner="shop/new", key=PASSWORD, value="by-hand-0000")
        self.needs_person(self.host.run("run"), "GLR-128")
        self.advance("31m")
        self.host.run("run")
        self.assertEqual(self.pins(), {"shop/new": "by-hand-0000"})
        self.assertEqual(len(self.alive_now()), 1)

    def test_a_late_pin_whose_writing_was_cut_off_is_written_again(self):
        """Since when it stands is not known: what began before it is written again is waited for."""
        self.choice = "oldest"
        self.again()
        self.replaced()
        self.advance("10m")
        self.sim.act("create_project", path="shop/new")
        job = self.start("shop/new")
        self.assertEqual(job["variables"][PASSWORD], OLD)
        self.sim.fault("delay_after", method="POST", path="*/variables", ms=60)
        run = self.host.start("run")
        until(lambda: self.fault_was_hit() or run.poll() is not None, "the pin")
        run.send_signal(signal.SIGKILL)
        run.communicate()
        self.clear_faults()
        self.assertIn("shop/new", self.pins())
        self.advance("31m")
        self.exits(0, "run")
        self.nobody_lost_it()
        self.finish(job["id"])
        self.exits(0, "run")
        self.is_done()

    def test_jobs_of_one_that_cannot_be_pinned_are_waited_for_whenever_they_began(self):
        self.choice = "oldest"
        self.again()
        self.replaced()
        self.sim.act("create_project", path="shop/new")
        self.sim.act("set_variable", owner="shop/new", key=PASSWORD, value="by-hand-0000", protected=True)
        self.needs_person(self.host.run("run"), "GLR-128")
        self.advance("20m")
        job = self.start("shop/new")
        self.assertEqual(job["variables"][PASSWORD], OLD)
        self.advance("31m")
        self.needs_person(self.host.run("run"), "GLR-128")
        self.nobody_lost_it()
        self.finish(job["id"])
        self.host.run("run")
        self.assertEqual(self.pins(), {"shop/new": "by-hand-0000"})
        self.assertEqual(len(self.alive_now()), 1)

    def test_no_new_one_is_pinned_with_a_secret_that_died(self):
        """…and where it is pinned already, jobs go back to what lives."""
        self.choice = "oldest"
        self.again()
        new = self.replaced()
        self.advance("31m")
        self.sim.fault("status", method="DELETE", path="*/deploy_tokens/*", status=503)
        self.host.run("run")
        self.assertEqual(self.states()[-1], "retiring")
        self.sim.act("revoke_deploy_token", owner=self.owner, deploy_token=new["id"])
        self.sim.act("create_project", path="shop/new")
        self.forget_requests()
        self.needs_person(self.host.run("run"), "GLR-110")
        self.assertEqual(self.asked("POST", "variables"), [])
        self.assertEqual(self.pins(), {})
        self.assertEqual(self.start("shop/new")["variables"][PASSWORD], OLD)
        self.needs_person(self.host.run("run"), "GLR-110")
        self.nobody_lost_it()

    def test_one_without_jobs_or_code_holds_nobody_up(self):
        """Nobody has the variables of such a project."""
        self.world = {**self.world, "projects": self.world["projects"] + [{"path": "shop/docs", "builds": False},
                                                                          {"path": "shop/wiki", "repository": False}]}
        self.again()
        # …nor, for whatever reason, of this one.
        self.sim.act("create_project", path="shop/none")
        number = self.sim.ask("GET", "/projects/shop%2Fnone?by=tests").json["id"]
        self.sim.fault("status", path=f"/api/v4/projects/{number}/variables*", status=403, times=0,
                       content_type="application/json", body='{"message":"403 Forbidden"}')
        self.assertNotIn("FAIL", self.exits(0, "check").out)
        self.replaced()
        self.sim.act("set_features", path="shop/web", builds=False)
        self.advance("31m")
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-113")
        self.assertIn("shop/web has its CI/CD or its repository switched off, and still pinned", ended.err)
        self.assertEqual((list(self.pins()), len(self.alive_now())), (["shop/web"], 1))

    def test_one_that_is_archived_with_its_pin_is_told(self):
        self.replaced()
        self.sim.act("archive_project", path="shop/web")
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-113")
        self.assertIn("shop/web is archived, and still pinned", ended.err)
        self.sim.act("unarchive_project", path="shop/web")
        self.advance("31m")
        self.exits(0, "run")
        self.is_done()

    def test_what_a_former_replacement_left_in_an_archived_project_is_taken_up_by_the_next(self):
        self.replaced()
        self.sim.act("archive_project", path="shop/web")
        self.advance("31m")
        self.host.run("run")
        self.assertEqual(list(self.pins()), ["shop/web"])
        self.sim.act("unarchive_project", path="shop/web")
        self.exits(0, "rotate", NAME, "--reason", "test")
        self.assertEqual(set(self.pins().values()), {self.alive_now()[-1]["secret"]})
        self.advance("31m")
        self.exits(0, "run")
        self.is_done()

    def test_a_project_slot_waits_while_the_pin_of_the_group_stands_there(self):
        self.host.set_tokens(self.tokens)
        self.replaced()
        self.host.set_tokens(self.tokens + self.entry("scopes: [ read_registry ]", address=f"project_deploy:shop/web:{NAME}"))
        self.assertEqual(self.host.run("run").code, 1)
        self.assertEqual(self.alive_now("shop/web"), [])
        self.advance("31m")
        self.settles()
        self.assertEqual(len(self.alive_now("shop/web")), 1)
        self.assertEqual(self.pins(), {})


class Pair(GroupCase):
    deliver = "[ slot, ci_deploy_pair: { group: shop/sub } ]"
    jobs_in = ("shop/sub/deep", "shop/api")

    def pair(self, owner="shop/sub"):
        return [self.variable(owner, key)["value"] for key in ("CI_DEPLOY_USER", PASSWORD)]

    def test_both_variables_are_delivered_and_their_jobs_are_waited_for(self):
        self.exits(0, "run")
        user, password = self.pair()
        self.assertEqual((user, password), (USER, self.alive_now()[-1]["secret"]))
        self.assertNotEqual(password, OLD)
        self.assertEqual([(v["masked"], v["protected"]) for v in self.sim.ask("GET", "/sim/variables?owner=shop/sub").json],
                         [(False, False), (True, False)])
        self.advance("31m")
        self.exits(0, "run")
        # The next time there are jobs further below that have the pair.
        job = self.start("shop/sub/deep")
        self.assertEqual(job["variables"][PASSWORD], password)
        self.exits(0, "rotate", NAME, "--reason", "test")
        self.assertEqual(self.pair()[0], USER)
        self.assertNotEqual(self.pair()[1], password)
        self.advance("31m")
        self.exits(0, "run")
        self.nobody_lost_it()
        self.finish(job["id"])
        self.exits(0, "run")
        self.assertEqual(len(self.alive_now()), 1)

    def test_that_of_its_own_group_does_not_stand_in_its_way(self):
        self.deliver = "[ slot, ci_deploy_pair: { group: shop } ]"
        self.again()
        self.exits(0, "run")
        self.advance("31m")
        self.settles()
        self.assertNotIn("FAIL", self.exits(0, "check").out)
        self.exits(0, "rotate", NAME, "--reason", "test")
        self.assertEqual(self.pair("shop"), [USER, self.alive_now()[-1]["secret"]])

    def test_nothing_stands_there_before_there_is_a_secret(self):
        """A placeholder would be the password of the next job."""
        self.sim.fault("status", method="POST", path="*/deploy_tokens", status=403, content_type="application/json",
                       body='{"message":"403 Forbidden"}')
        self.host.run("run")
        self.assertEqual(self.sim.ask("GET", "/sim/variables").json, [])


if __name__ == "__main__":
    main()
