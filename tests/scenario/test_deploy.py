"""Deploy tokens, which GitLab cannot rotate: adopted, created, replaced, with the user name they had; and other types by replacement."""
from harness import HERE, Case, day, main
from replaced import DeployCase

VARIABLE = [{"key": "PULL", "value": "gldt-old-000000000000"}]


def deploy(**more):
    return {"name": "pull", "username": "gitlab+deploy-token-99", "secret": "gldt-old-000000000000",
            "scopes": ["read_registry"], **more}


class Adopting(DeployCase):
    clock = HERE
    def with_world(self, *tokens):
        self.world = {"projects": [{"path": "shop/api", "variables": VARIABLE, "deploy_tokens": list(tokens)}]}
        self.again()

    def test_one_that_is_not_due_is_adopted_and_left_alone(self):
        self.with_world(deploy(expires="+80d"))
        ended = self.exits(0, "run")
        self.assertIn("adopted 1 token", ended.out)
        self.assertEqual(self.changes(), [])
        told = self.exits(0, "explain", "pull").out
        self.assertIn(f"with the user name 'gitlab+deploy-token-99', first seen {day()} 10:00 UTC", told)
        self.assertIn("last use not told by GitLab", told)
        self.assertIn("last use not told by GitLab", self.exits(0, "status", "--all", "--output", "TOKEN,USED").out)

    def test_one_that_ends_soon_is_due_with_its_whole_window(self):
        """As if it had been made for as long as the policy lets it live, and not when we first saw it."""
        self.with_world(deploy(expires="+14d"))
        self.exits(0, "run")
        self.is_replaced_once()

    def test_one_without_an_end_is_due_by_its_lifetime_from_our_first_sight(self):
        self.with_world(deploy(expires=None))
        self.assertIn("adopted 1 token", self.exits(0, "run").out)
        for _ in range(2):
            self.advance("25d")
            self.assertEqual(self.exits(0, "run").out, "")
        self.assertRegex(self.exits(0, "plan", "--json").out, '"created_at": null')
        self.advance("39d")
        self.exits(0, "run")
        self.is_replaced_once()
        self.assertIsNotNone(self.all_made()[-1]["expires_at"])

    def test_the_day_on_which_it_ends_is_read_as_it_is_and_not_as_gitlab_says(self):
        """On its last day GitLab's `expired` is still false."""
        self.with_world(deploy(expires=f"{day()}T09:00:00Z"))
        self.assertFalse(self.alive_now())
        self.assertEqual(self.host.run("run").code, 3)
        self.assertEqual(self.asked("POST"), [])

    def test_one_that_was_revoked_in_the_pages_is_not_made_anew(self):
        self.with_world(deploy(expires="+80d"))
        self.exits(0, "run")
        self.sim.act("revoke_deploy_token", owner=self.owner, deploy_token=self.old()[0]["id"])
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.asked("POST"), [])

    def test_two_of_one_name_are_told_apart_by_the_entrys_id(self):
        self.with_world(deploy(expires="+5d"), deploy(expires="+5d", username="other", secret="gldt-two-000000000000"))
        self.needs_person(self.host.run("run"), "GLR-116")
        self.assertEqual(self.changes(), [])
        one, two = self.all_made()
        self.host.set_tokens(self.entry(f"overlap: 1d\n    id: {one['id']}"))
        self.exits(0, "run")
        self.advance("25h")
        self.settles()
        living = {t["id"] for t in self.alive_now()}
        self.assertIn(two["id"], living)
        self.assertNotIn(one["id"], living)

    def test_a_number_that_is_our_credentials_too_is_another_token(self):
        """Deploy tokens are numbered by themselves."""
        self.with_world(deploy(expires="+5d"))
        own = self.sim.ask("GET", "/personal_access_tokens/self?by=tests").json["id"]
        ids = {t["id"] for t in self.all_made()}
        self.assertIn(own, ids)
        self.exits(0, "run")
        self.is_replaced_once()

    def test_all_pages_of_a_long_list_are_read(self):
        many = [deploy(name=f"other-{n}", username=f"u{n}", secret=f"gldt-{n:016d}") for n in range(130)]
        self.with_world(*many, deploy(expires="+5d"))
        self.exits(0, "run")
        self.is_replaced_once()
        self.assertEqual(len(self.all_made()), 2)


class Creating(DeployCase):
    world = {"projects": [{"path": "shop/api"}]}
    more = "scopes: [ read_registry, read_repository ]\n    username: shop-pull"

    def test_one_that_is_not_there_is_created_and_delivered(self):
        ended = self.exits(0, "run")
        self.assertIn("created 1 token", ended.out)
        made, = self.all_made()
        self.assertEqual((made["username"], sorted(made["scopes"]), made["secret"]),
                         ("shop-pull", ["read_registry", "read_repository"], self.value()))
        self.assertEqual(self.exits(0, "run").out, "")
        self.assertEqual(self.states()[-1], "closed")
        self.assertEqual(self.asked("DELETE"), [])

    def test_without_a_user_name_one_is_made_up_and_stays(self):
        self.host.set_tokens(self.entry("scopes: [ read_registry ]\n    overlap: 1d"))
        self.exits(0, "run")
        name = self.all_made()[0]["username"]
        self.assertRegex(name, "^glrotate-[0-9a-f]{8}$")
        self.assertIn(name, self.exits(0, "explain", "pull").out)
        self.exits(0, "rotate", "pull", "--reason", "test")
        self.assertEqual([t["username"] for t in self.all_made()], [name, name])

    def test_a_creation_whose_answer_is_lost_leaves_one(self):
        for kind in ("drop_before_commit", "drop_after_commit", "cut_body", "garbage"):
            with self.subTest(fault=kind):
                self.again()
                self.sim.fault(kind, method="POST", path=self.create)
                self.host.run("run")
                self.settles()
                self.assertEqual([t["secret"] for t in self.alive_now()], [self.value()])

    def test_without_scopes_nothing_is_created(self):
        self.host.set_tokens(self.entry("username: shop-pull"))
        self.needs_person(self.host.run("run"), "GLR-115")
        self.assertEqual(self.asked("POST"), [])

    def test_a_namesake_of_another_state_is_in_the_way(self):
        self.world = {"projects": [{"path": "shop/api", "deploy_tokens": [deploy(revoked=True)]}]}
        self.again()
        self.needs_person(self.host.run("run"), "GLR-109")
        self.assertEqual(self.asked("POST"), [])


class Group(DeployCase):
    """A group's deploy token, into a variable of the group and into a file."""
    address = "group_deploy:shop:pull"
    owner = "shop"
    create, end = "*/groups/*/deploy_tokens", "*/groups/*/deploy_tokens/*"
    world = {"groups": [{"path": "shop", "variables": VARIABLE, "deploy_tokens": [deploy(expires="+5d")]}]}

    def test_it_is_replaced_as_a_projects(self):
        self.host.set_tokens(self.entry(self.more, deliver=f"[ ci_variable: PULL, file: {self.host.path}/pull ]"))
        self.exits(0, "run")
        self.is_replaced_once()
        self.assertEqual((self.host.path / "pull").read_text(), self.value())
        self.finishes()
        self.assertEqual((self.host.path / "pull").read_text(), self.value())


class Fleet(DeployCase):
    """A pattern finds deploy tokens of every project below a group."""
    world = {"projects": [{"path": f"shop/{name}", "variables": VARIABLE,
                           "deploy_tokens": [deploy(expires="+5d", secret=f"gldt-{name}-0000000000")]}
                          for name in ("one", "two")]}
    address = "project_deploy:shop/**:pull"
    deliver = '[ ci_variable: "{name:key}" ]'

    def test_each_is_replaced_in_its_own_project(self):
        self.exits(0, "run")
        self.advance("25h")
        self.exits(0, "run")
        for name in ("one", "two"):
            self.owner = f"shop/{name}"
            living, = self.alive_now()
            self.assertEqual(living["secret"], self.value())
            self.assertEqual(living["username"], "gitlab+deploy-token-99")


DUE = {"created": "-85d", "expires": "+5d"}


class Types(Case):
    """Every other type that can be replaced, by choice."""
    world = {
        "users": [{"username": "alice", "tokens": [
            {"name": "laptop", "secret": "glpat-old-laptop-0000", **DUE},
            {"name": "robot", "secret": "glpat-old-robot-00000", "impersonation": True, **DUE}]}],
        "service_accounts": [{"username": "deployer", "tokens": [
            {"name": "helm", "secret": "glpat-old-helm-000000", **DUE}]}],
        "groups": [{"path": "shop", "tokens": [{"name": "ci", "secret": "glpat-old-ci-00000000", **DUE}],
                    "service_accounts": [{"username": "bot", "tokens": [
                        {"name": "sync", "secret": "glpat-old-sync-000000", **DUE}]}]}],
        "projects": [{"path": "shop/api"}]}
    addresses = ("group:shop:ci", "personal:alice:laptop", "impersonation:alice:robot", "service_account:deployer:helm",
                 "service_account:shop/bot:sync")

    @property
    def tokens(self):
        return self.policy("strategy: replace\n    overlap: 6h")

    def policy(self, more):
        return "".join(f"""
  - token: {address}
    {more}{NEW_BOT if address.startswith("group:") and "replace" in more else ""}
    deliver: [ ci_variable: {{ key: {address.rsplit(":", 1)[1].upper()}, project: shop/api }} ]
""" for address in self.addresses)

    def living_names(self, name):
        return [t for t in self.tokens_of(name) if t["alive"]]

    def test_each_is_replaced_and_the_old_one_retired(self):
        self.exits(0, "run")
        for address in self.addresses:
            name = address.rsplit(":", 1)[1]
            with self.subTest(address=address, when="overlap"):
                self.assertEqual(len(self.living_names(name)), 2, self.tokens_of(name))
        self.advance("7h")
        self.exits(0, "run")
        for address in self.addresses:
            name = address.rsplit(":", 1)[1]
            with self.subTest(address=address):
                new = self.living(name)
                self.assertEqual(self.variable("shop/api", name.upper())["value"], new["secret"])
                self.assertFalse(new["secret"].startswith("glpat-old"))
                self.assertTrue(self.opens(new["secret"]))

    def test_an_impersonation_token_is_rotated_too(self):
        self.addresses = ("impersonation:alice:robot",)
        self.host.set_tokens(self.policy("strategy: rotate"))
        self.exits(0, "run")
        new = self.living("robot")
        self.assertEqual(self.variable("shop/api", "ROBOT")["value"], new["secret"])
        self.assertEqual(self.exits(0, "run").out, "")

    def test_lost_answers_leave_one_new_token_of_each(self):
        for kind in ("drop_after_commit", "cut_body", "drop_before_commit"):
            with self.subTest(fault=kind):
                self.again()
                self.sim.fault(kind, method="POST", path="*_tokens", times=len(self.addresses))
                self.host.run("run")
                self.settles()
                for address in self.addresses:
                    name = address.rsplit(":", 1)[1]
                    self.assertEqual(len(self.living_names(name)), 2, self.tokens_of(name))


NEW_BOT = "\n    new_bot: accept"


if __name__ == "__main__":
    main()
