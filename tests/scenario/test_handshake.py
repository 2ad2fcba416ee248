"""Whether the secret of a new deploy token works is asked where its users show it, and not of the API."""
import base64
import json

from harness import main
from replaced import DeployCase

REGISTRY, GIT = "/jwt/auth", "/shop/api.git/info/refs"
DENIED = {"kind": "status", "status": 401, "content_type": "application/json",
          "body": json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "HTTP Basic: Access denied"}]})}
GIT_DENIED = {"kind": "status", "status": 401, "content_type": "text/plain", "body": "HTTP Basic: Access denied. If a"}
DOORS = r"^/jwt/auth$|info/refs$"


class DoorCase(DeployCase):
    def knocks(self):
        """Who was shown at which door, and what it said."""
        return [(r["path"], r["deploy_token_id"], r["status"]) for r in self.asked("GET", DOORS)
                if r["credential"] != "none"]

    def new(self):
        return next(t for t in self.all_made() if t["secret"] != self.old_secret)

    def spoils(self, fault, times=0):
        """What is answered to whatever is shown at the registry's door; to nobody it says what it always does."""
        self.sim.fault(path=REGISTRY, nth=2, every=2, times=times, **fault)


class Doors(DoorCase):
    def test_before_anybody_gets_it_and_before_the_old_one_ends(self):
        ended = self.exits(0, "run", "--verbose")
        self.assertIn(f"the secret of #{self.new()['id']} works", ended.err)
        pair = f"{self.username}:{self.new()['secret']}"
        self.assertEqual([text for text in (pair, base64.b64encode(pair.encode()).decode()) if text in ended.err], [])
        self.assertEqual(self.knocks(), [(REGISTRY, self.new()["id"], 200)])
        self.assertLess(self.last("POST", "/deploy_tokens$"), self.last("GET", REGISTRY))
        self.assertLess(self.last("GET", REGISTRY), self.last("PUT", "/PULL$"))
        self.advance("25h")
        self.exits(0, "run")
        self.assertLess(self.last("PUT", "/PULL$"), self.last("GET", REGISTRY))
        self.assertLess(self.last("GET", REGISTRY), self.last("DELETE", ""))
        self.assertEqual(self.knocks(), [(REGISTRY, self.new()["id"], 200)] * 2)
        self.is_finished()

    def last(self, method, path):
        return self.asked(method, path)[-1]["n"]

    def test_without_a_registry_it_is_shown_to_its_repository(self):
        self.sim.act("set_settings", settings={"registry_enabled": False})
        self.sim.act("rename_project", path="shop/api", to="shop/moved", after={"method": "POST", "path": self.create})
        self.host.run("run")
        self.owner = "shop/moved"
        self.assertEqual(self.knocks(), [("/shop/moved.git/info/refs", self.new()["id"], 200)])
        self.is_replaced_once()

    def test_where_no_door_says_anything_the_list_must_do(self):
        for fault in [{"kind": "html", "status": 401}, {"kind": "redirect"}, {"kind": "wrong_content_type"},
                      {"kind": "status", "status": 403}]:
            with self.subTest(**fault):
                self.again()
                self.spoils(fault)
                self.sim.fault(path=GIT, times=0, **fault)
                self.exits(0, "run")
                self.assertIn((GIT, self.new()["id"]), [knock[:2] for knock in self.knocks()])
                self.is_replaced_once()

    def test_a_door_that_hangs_up_leaves_the_other_one(self):
        self.sim.fault("drop_before_commit", path=REGISTRY, times=0)
        self.exits(0, "run")
        self.assertEqual(self.knocks(), [(GIT, self.new()["id"], 200)])

    def test_a_door_that_asks_us_to_wait_is_waited_for(self):
        self.sim.fault("too_many", path=REGISTRY, nth=2, retry_after=1)
        self.exits(0, "run")
        self.assertEqual(self.knocks(), [(REGISTRY, self.new()["id"], status) for status in (429, 200)])


class Refused(DoorCase):
    def holds(self):
        """A first run that knows the secret, and could not deliver it."""
        self.sim.fault("status", method="PUT", path="*/variables/PULL", status=403, times=0, nth=2,
                       content_type="application/json", body='{"message":"403 Forbidden"}')
        self.assertEqual(self.host.run("run").code, 3)
        self.assertEqual(self.states()[-1], "held")
        self.clear_faults()
        self.advance("10m")

    def nobody_has_it(self):
        self.assertEqual(self.value(), self.old_secret)
        self.assertTrue(self.old_lives())

    def test_one_that_is_not_known_yet_is_asked_about_again(self):
        self.spoils(DENIED, times=1)
        self.exits(0, "run")
        self.assertEqual([status for _, _, status in self.knocks()], [401, 200])
        self.is_replaced_once()

    def test_one_that_is_refused_goes_to_nobody_until_its_door_opens(self):
        self.holds()
        self.spoils(DENIED)
        self.needs_person(self.host.run("run"), "GLR-127")
        self.nobody_has_it()
        self.clear_faults()
        # What was refused is not good for a silence, whatever else went wrong in between.
        self.sim.fault("status", method="GET", path="*/deploy_tokens", status=503, times=0)
        self.assertEqual(self.host.run("run").code, 1)
        self.clear_faults()
        self.sim.fault("redirect", path=REGISTRY, times=0)
        self.sim.fault("redirect", path=GIT, times=0)
        for _ in range(2):
            self.needs_person(self.host.run("run"), "GLR-127")
            self.nobody_has_it()
        self.clear_faults()
        self.finishes()

    def test_one_that_a_person_deletes_is_made_anew(self):
        self.holds()
        self.spoils(DENIED)
        self.needs_person(self.host.run("run"), "GLR-127")
        self.clear_faults()
        gone = self.new()["id"]
        self.sim.ask("DELETE", f"/projects/10/deploy_tokens/{gone}?by=tests")
        self.forget_requests()
        self.finishes()
        self.assertNotIn(gone, [token for _, token, _ in self.knocks()])

    def test_the_old_one_is_not_ended_for_one_that_is_refused(self):
        self.exits(0, "run")
        self.advance("25h")
        self.spoils(DENIED)
        self.needs_person(self.host.run("run"), "GLR-127")
        self.assertTrue(self.old_lives())
        self.assertEqual(self.asked("DELETE"), [])


class NoDoor(DoorCase):
    """Only their list tells of tokens whose scopes are for no door, or for one that says no to everybody. A project without a repository
    has no CI/CD either, and so their variable stands in another one."""
    deliver = "[ ci_variable: { key: PULL, project: shop/app } ]"

    def value(self):
        return self.variable("shop/app", "PULL")["value"]

    def test_it_is_shown_nowhere(self):
        for scope, more in [("read_package_registry", {}), ("read_repository", {"repository": False})]:
            with self.subTest(scope):
                self.world = {"projects": [{"path": "shop/app"}, {**DeployCase.world["projects"][0], **more,
                                                                  "deploy_tokens": [of_code(scopes=[scope])]}]}
                self.again()
                self.exits(0, "run")
                self.assertEqual(self.knocks(), [])
                self.is_replaced_once()


class Group(DoorCase):
    """A group's token is for many repositories: it is shown to the registry alone."""
    address, owner = "group_deploy:shop:pull", "shop"
    create, end = "*/groups/*/deploy_tokens", "*/groups/*/deploy_tokens/*"
    world = {"groups": [{"path": "shop", **{key: value for key, value in DeployCase.world["projects"][0].items()
                                            if key != "path"}}]}

    def test_it_is_shown_to_the_registry_alone(self):
        for registry, knocks in [(True, 1), (False, 0)]:
            self.again()
            self.sim.act("set_settings", settings={"registry_enabled": registry})
            self.exits(0, "run")
            self.assertEqual(self.knocks(), [(REGISTRY, self.new()["id"], 200)] * knocks)
            self.is_replaced_once()


def of_code(**more):
    """As the one of all tests, and for its repository alone."""
    return {**DeployCase.world["projects"][0]["deploy_tokens"][0], "scopes": ["read_repository"], **more}


class Code(DoorCase):
    world = {"projects": [{**DeployCase.world["projects"][0], "deploy_tokens": [of_code()]}]}

    def test_who_takes_the_login_away_does_not_speak_for_gitlab(self):
        """At the repository's door that is a refusal in GitLab's own words; at the registry's it is none."""
        self.sim.fault(path=GIT, times=0, **GIT_DENIED)
        self.exits(0, "run")
        self.assertEqual([(path, status) for path, _, status in self.knocks()], [(GIT, 401), (REGISTRY, 403)])
        self.is_replaced_once()


class Many(DoorCase):
    """All doors count: at ten refused logins nothing is shown to any."""
    world = {"projects": [{**DeployCase.world["projects"][0], "path": f"shop/p{n}",
                           "deploy_tokens": [of_code(secret=f"gldt-{n:016d}")]} for n in range(8)]}
    address = "project_deploy:shop/**:pull"
    options = {"limits": "{ settle: 1s, rotations_per_run: 20 }"}

    def test_refused_logins_are_refused_credentials(self):
        self.sim.fault(path="*.git/info/refs", times=0, **GIT_DENIED)
        self.sim.fault(path=REGISTRY, times=0, **DENIED)
        self.assertEqual(self.host.run("run").code, 1)
        self.assertEqual([status for _, _, status in self.knocks()], [401] * 10)
        self.assertEqual([r for r in self.asked("PUT") if "value" in r["body"]], [])


if __name__ == "__main__":
    main()
