"""The slot of a project: CI_DEPLOY_USER and CI_DEPLOY_PASSWORD of every job live until the job has ended."""
from harness import main
from slots import NAME, OLD, PASSWORD, USER, WORST, SlotCase, slot


class Sampled(SlotCase):
    """Jobs of up to two hours run at all times, an overlap is shorter than they are, and each is looked at every minute."""

    def test_no_job_loses_its_password_through_a_whole_replacement(self):
        for self.choice in WORST:
            with self.subTest(gitlab_hands_out=self.choice):
                self.again()
                self.minutes(125)
                self.jobs_between_requests()
                self.hours(3)
                self.is_done()
                self.assertEqual(self.states()[-1], "closed")


class Steps(SlotCase):
    lengths = ()

    def replaced(self):
        """Up to the overlap: old and new live, and the pin stands."""
        self.assertEqual(self.exits(0, "run").code, 0)
        old, new = self.alive_now()
        self.assertEqual((old["secret"], new["username"], new["scopes"]), (OLD, USER, ["read_registry"]))
        self.assertEqual(self.pins(), {"shop/api": new["secret"]})
        return new

    def test_the_pin_is_hidden_and_for_every_job_and_says_whose_it_is(self):
        for version, hidden in (("18.11.5", True), ("17.5.3", False), ("16.0.1", False)):
            with self.subTest(version=version):
                self.version = version
                self.again()
                new = self.replaced()
                pin = self.variable("shop/api", PASSWORD)
                self.assertEqual((pin["hidden"], pin["masked"], pin["protected"], pin["raw"], pin["environment_scope"]),
                                 (hidden, True, False, True, "*"))
                if version != "16.0.1":
                    self.assertRegex(pin["description"], rf"^pinned by glrotate .*\[glrotate #{new['id']} ")
                self.advance("31m")
                self.exits(0, "run")
                self.is_done()

    def test_it_waits_for_jobs_that_began_before_the_pin_and_for_no_others(self):
        before = self.start()["id"]
        self.replaced()
        self.assertNotIn("FAIL", self.exits(0, "check").out)
        self.advance("6m")
        after = self.start()
        self.assertNotEqual(after["variables"][PASSWORD], OLD)
        self.advance("1h")
        self.assertEqual(self.host.run("run").code, 0)
        self.assertIn(f"#{before}", self.exits(0, "status").out)
        self.nobody_lost_it()
        self.finish(before)
        self.exits(0, "run")
        self.is_done()
        self.nobody_lost_it()

    def test_a_job_that_hangs_is_told_and_never_cut_off(self):
        job = self.start()["id"]
        self.replaced()
        self.advance("23h")
        self.exits(0, "run")
        self.advance("2h")
        self.needs_person(self.host.run("run"), "GLR-130")
        self.assertIn("GLR-130", self.host.run("status").out)
        self.nobody_lost_it()
        self.finish(job)
        self.exits(0, "run")
        self.is_done()

    def test_a_cancelled_job_still_has_its_password(self):
        job = self.start()["id"]
        self.replaced()
        self.sim.act("finish_job", job=job, status="canceling")
        self.advance("1h")
        self.exits(0, "run")
        self.nobody_lost_it()
        self.finish(job)
        self.exits(0, "run")
        self.is_done()

    def test_one_that_is_not_there_is_created_without_a_pin(self):
        self.world = {"projects": [{"path": "shop/api"}]}
        self.more = f"scopes: [ read_registry ]\n    username: {USER}"
        self.again()
        self.exits(0, "run")
        self.is_done()
        self.assertEqual(self.asked(None, PASSWORD)[0]["method"], "GET")
        self.assertEqual([r for r in self.changes() if "variables" in r["path"]], [])
        self.assertEqual(self.states()[-1], "closed")
        self.assertEqual(self.start()["variables"]["CI_DEPLOY_USER"], USER)

    def test_the_last_day_is_read_by_the_second(self):
        """GitLab's `expired` is false until the day is over; the token is dead, and is nobody's in the slot."""
        self.world = {"projects": [{"path": "shop/api", "deploy_tokens": [
            slot(), slot(secret="gldt-dead-00000000000", expires="2026-11-21T09:00:00Z")]}]}
        self.again()
        self.exits(0, "run")
        self.advance("31m")
        self.exits(0, "run")
        self.is_done()

    def test_a_pin_that_is_lost_comes_back_and_its_jobs_are_waited_for(self):
        self.choice = "oldest"
        self.again()
        self.replaced()
        self.sim.act("delete_variable", owner="shop/api", key=PASSWORD, environment_scope="*")
        job = self.start()
        self.assertEqual(job["variables"][PASSWORD], OLD)
        self.advance("31m")
        for _ in range(3):
            self.host.run("run")
            self.nobody_lost_it()
            self.advance("31m")
        self.assertEqual(list(self.pins()), ["shop/api"])
        self.finish(job["id"])
        self.exits(0, "run")
        self.is_done()

    def test_one_that_is_lost_while_the_old_one_is_being_ended_is_as_good_as_new(self):
        self.choice = "oldest"
        self.again()
        self.replaced()
        self.advance("31m")
        self.sim.fault("status", method="DELETE", path="*/deploy_tokens/*", status=503)
        self.host.run("run")
        self.assertEqual(self.states()[-1], "retiring")
        self.sim.act("delete_variable", owner="shop/api", key=PASSWORD, environment_scope="*")
        job = self.start()
        self.assertEqual(job["variables"][PASSWORD], OLD)
        self.exits(0, "run")
        self.nobody_lost_it()
        self.finish(job["id"])
        self.exits(0, "run")
        self.is_done()

    def test_a_pin_that_somebody_changed_stays_and_is_told(self):
        self.replaced()
        self.sim.act("delete_variable", owner="shop/api", key=PASSWORD, environment_scope="*")
        self.sim.act("set_variable", owner="shop/api", key=PASSWORD, value="somebody's own")
        self.advance("31m")
        self.needs_person(self.host.run("run"), "GLR-128")
        self.assertEqual(self.pins(), {"shop/api": "somebody's own"})
        self.assertEqual(len(self.alive_now()), 2)

    def test_one_that_was_changed_after_the_old_one_ended_is_left_alone(self):
        self.replaced()
        self.advance("31m")
        self.sim.act("set_variable", owner="shop/api", key=PASSWORD, description="mine now",
                     **{"after": {"method": "DELETE", "path": "*/deploy_tokens/*"}})
        self.needs_person(self.host.run("run"), "GLR-128")
        self.assertEqual(list(self.pins()), ["shop/api"])
        self.assertEqual(len(self.alive_now()), 1)
        self.assertEqual(self.states()[-1], "closed")

    def test_a_list_of_jobs_that_is_refused_is_no_list_without_jobs(self):
        """…though the number of the project looks like one of GitLab's refusals."""
        self.world = {"projects": [{"path": "shop/api", "id": 14039, "deploy_tokens": [slot()]}]}
        self.again()
        job = self.start()["id"]
        self.replaced()
        self.advance("31m")
        self.sim.fault("status", method="GET", path="*/jobs", status=400, times=0,
                       content_type="application/json", body='{"error":"scope is invalid"}')
        self.host.run("run")
        self.clear_faults()
        self.nobody_lost_it()
        self.finish(job)
        self.exits(0, "run")
        self.is_done()

    def test_an_unpinning_that_is_refused_is_not_over(self):
        """It may be about our credential, which is looked at."""
        for status in (403, 401):
            with self.subTest(status=status):
                self.again()
                self.replaced()
                self.advance("31m")
                self.sim.fault("status", method="DELETE", path="*/variables/*", status=status,
                               content_type="application/json", body=f'{{"message":"{status} no"}}')
                self.needs_person(self.host.run("run"), "GLR-113")
                self.assertEqual((list(self.pins()), self.states()[-1]), (["shop/api"], "retired"))
                asked = [r["path"] for r in self.asked()]
                last = max(i for i, path in enumerate(asked) if path.endswith(PASSWORD))
                self.assertIn("/api/v4/personal_access_tokens/self", asked[last:])
                self.settles()
                self.is_done()

    def test_an_unpinning_that_fails_is_done_by_the_next_run(self):
        self.replaced()
        self.advance("31m")
        self.sim.fault("status", method="DELETE", path="*/variables/*", status=503)
        self.host.run("run")
        self.assertEqual(list(self.pins()), ["shop/api"])
        self.settles()
        self.is_done()


class Maintainer(SlotCase):
    """A credential that may not look into the group above and the instance."""
    lengths = ()
    world = {"users": [{"username": "maint", "tokens": [{"name": "maint", "secret": "maint-secret", "expires": "+300d"}]}],
             "projects": [{"path": "shop/api", "deploy_tokens": [slot()],
                           "members": [{"user": "maint", "level": "maintainer"}]}]}
    options = {"credential": "maint-secret"}

    def test_it_can_and_check_says_what_it_did_not_see(self):
        self.assertIn("slot shop/api: GitLab hands it to jobs; whether a variable of group shop goes before it cannot be read",
                      self.exits(0, "check").out)
        self.exits(0, "run")
        self.advance("31m")
        self.exits(0, "run")
        self.is_done()
        self.assertRegex(self.exits(0, "explain", NAME).out, r"slot shop/api: .*\(proven\)")


class Refused(SlotCase):
    """What must not be there; nothing is made before it is gone."""
    lengths = ()

    def is_refused(self, code, *words):
        self.needs_person(self.host.run("run"), code)
        self.assertEqual([r for r in self.changes()], [])
        self.assertEqual(self.alive_now()[0]["secret"], OLD)
        checked = self.host.run("check")
        self.assertEqual(checked.code, 3)
        planned = self.host.run("plan").out
        for word in (code, *words):
            self.assertIn(word, checked.out)
        self.assertIn(words[-1] if words else code, planned)
        self.assertIn(code, self.host.run("status").out)

    def test_a_variable_that_goes_before_the_slot(self):
        rows = [({"owner": "shop/api"}, PASSWORD), ({"owner": "shop/api"}, "CI_DEPLOY_USER"),
                ({"owner": "shop/api", "environment_scope": "production"}, PASSWORD),
                ({"owner": "shop"}, PASSWORD), ({"owner": "shop"}, "CI_DEPLOY_USER"), ({}, PASSWORD)]
        for where, key in rows:
            with self.subTest(where=where, key=key):
                self.again()
                self.sim.act("set_variable", key=key, value="by-hand-0000", **where)
                self.is_refused("GLR-128", key)
        self.sim.act("delete_variable", key=PASSWORD)
        self.exits(0, "run")
        self.assertEqual(list(self.pins()), ["shop/api"])

    def test_two_tokens_in_the_slot(self):
        self.exits(0, "check")
        self.assertEqual(self.host.run("run", "--limit", "0").code, 1)
        self.forget_requests()
        self.sim.ask("POST", "/projects/shop%2Fapi/deploy_tokens?by=tests", {"name": NAME, "scopes": ["read_registry"]})
        self.is_refused("GLR-129", "#1, #2")

    def test_a_third_one_during_the_overlap_is_told_and_keeps_the_pin(self):
        self.exits(0, "run")
        third = self.sim.ask("POST", "/projects/shop%2Fapi/deploy_tokens?by=tests",
                             {"name": NAME, "username": USER, "scopes": ["read_registry"]}).json["id"]
        self.needs_person(self.host.run("run"), "GLR-129")
        self.advance("31m")
        self.needs_person(self.host.run("run"), "GLR-129")
        self.assertEqual(list(self.pins()), ["shop/api"])
        self.sim.ask("DELETE", f"/projects/shop%2Fapi/deploy_tokens/{third}?by=tests")
        self.settles()
        self.is_done()


class Policy(SlotCase):
    def is_wrong(self, entry, text):
        self.host.set_tokens(entry)
        ended = self.exits(2, "check", "--offline")
        self.assertIn(text, ended.err)

    def test_where_it_does_not_belong(self):
        self.is_wrong(self.entry(address="project_deploy:shop/api:pull"), "'slot' is for deploy tokens called")
        self.is_wrong(self.entry("", address=f"project:shop/api:{NAME}"), "'slot' is for deploy tokens called")
        self.is_wrong(self.entry(address='"project_deploy:shop/**:*"'), "'slot' is for deploy tokens called")
        self.is_wrong(self.entry(deliver="[ ci_variable: X ]"), "expected 'slot' in 'deliver'")
        self.is_wrong(self.entry(deliver="[ slot, slot ]"), "two secrets")
        self.is_wrong(self.entry("", address="project:shop/api:x", deliver="[ ci_deploy_pair: { group: shop } ]"),
                      "'ci_deploy_pair' is for deploy tokens")
        self.is_wrong(self.entry(deliver="[ slot, ci_deploy_pair: { protected: yes } ]"), "needs 'project: PATH'")
        self.is_wrong(self.entry(deliver=f"[ slot, ci_deploy_pair: {{ group: s }}, "
                                         f"ci_variable: {{ key: {PASSWORD}, group: s }} ]"), "two secrets")


if __name__ == "__main__":
    main()
