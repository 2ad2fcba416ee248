"""The least account, role and scope for each token type, as the README's table has them."""
from harness import Case, main

DUE = {"created": "-85d", "expires": "+5d"}
SECRET = {name: f"glpat-{name}-00000000000" for name in ("maintainer", "owner", "alice", "reader", "bot", "eve")}


def agent(name, **more):
    return {"name": "agent", "secret": SECRET[name], "expires": "+300d", "created": "-1d", **more}


WORLD = {
    "users": [
        {"username": "maintainer", "tokens": [agent("maintainer")]},
        {"username": "owner", "tokens": [agent("owner")]},
        {"username": "reader", "tokens": [agent("reader", scopes=["read_api"])]},
        {"username": "eve", "admin": True, "tokens": [agent("eve")]},
        {"username": "alice", "tokens": [agent("alice"), {"name": "laptop", **DUE}]}],
    "groups": [{"path": "shop", "members": [{"user": "owner", "level": "owner"}],
                "tokens": [{"name": "ci", **DUE}, agent("bot", access_level="owner")],
                "service_accounts": [{"username": "deployer", "tokens": [{"name": "helm", **DUE}]}]}],
    "projects": [{"path": "shop/api", "members": [{"user": "maintainer", "level": "maintainer"},
                                                  {"user": "reader", "level": "maintainer"},
                                                  {"user": "alice", "level": "maintainer"}],
                  "tokens": [{"name": "push", "access_level": "developer", **DUE},
                             {"name": "root", "access_level": "owner", **DUE}]}]}


def entry(token, key, place=""):
    return f"\n  - token: {token}\n    deliver: [ ci_variable: {{ key: {key}{place} }} ]\n"


PROJECT = entry("project:shop/api:push", "PUSH")
OUTRANKS = entry("project:shop/api:root", "ROOT")
GROUP = entry("group:shop:ci", "CI")
SERVICE = entry("service_account:shop/deployer:helm", "HELM", ", group: shop")
PERSONAL = entry("personal:alice:laptop", "ALICE", ", project: shop/api")


class Accounts(Case):
    world = WORLD

    def as_account(self, name, tokens):
        self.host.set_credential(SECRET[name])
        self.host.set_tokens(tokens)

    def rotates(self, name, tokens, token, owner, key):
        self.as_account(name, tokens)
        self.exits(0, "check")
        self.exits(0, "run")
        self.assertEqual(self.variable(owner, key)["value"], self.living(token)["secret"])

    def is_refused(self, name, tokens, code):
        self.as_account(name, tokens)
        self.assertEqual(self.host.run("check").code, 3)
        self.needs_person(self.host.run("run"), code)
        self.no_family_is_harmed()

    def test_a_maintainer_rotates_the_projects_tokens(self):
        self.rotates("maintainer", PROJECT, "push", "shop/api", "PUSH")

    def test_a_maintainer_does_not_rotate_an_owners_token(self):
        self.is_refused("maintainer", OUTRANKS, "GLR-117")

    def test_a_maintainer_of_a_project_does_not_rotate_the_groups(self):
        self.is_refused("maintainer", GROUP, "GLR-119")

    def test_an_owner_rotates_the_groups_tokens_and_all_below(self):
        self.as_account("owner", PROJECT + OUTRANKS + GROUP + SERVICE)
        self.exits(0, "run")
        for token, owner, key in (("push", "shop/api", "PUSH"), ("root", "shop/api", "ROOT"),
                                  ("ci", "shop", "CI"), ("helm", "shop", "HELM")):
            self.assertEqual(self.variable(owner, key)["value"], self.living(token)["secret"])

    def test_a_person_rotates_their_own_other_token(self):
        self.rotates("alice", PERSONAL, "laptop", "shop/api", "ALICE")

    def test_a_person_does_not_rotate_somebody_elses(self):
        self.is_refused("maintainer", PERSONAL, "GLR-119")

    def test_a_credential_that_only_reads_is_refused_before_anything_dies(self):
        self.as_account("reader", PROJECT)
        self.assertEqual(self.host.run("check").code, 3)
        self.needs_person(self.host.run("run"), "GLR-113")
        self.assertEqual([r for r in self.changes() if r["status"] == 200], [])

    def test_the_bot_of_a_group_token_rotates_no_other_token(self):
        self.as_account("bot", PROJECT)
        self.assertEqual(self.host.run("run").code, 3)
        self.assertEqual([r for r in self.asked("POST", "/rotate$") if r["status"] == 200], [])
        self.no_family_is_harmed()


class AdminMode(Case):
    world = {**WORLD, "settings": {"admin_mode": True}}

    def test_an_administrator_without_admin_mode_is_told_and_takes_nothing_for_absent(self):
        self.host.set_credential(SECRET["eve"])
        self.host.set_tokens(PERSONAL)
        self.needs_person(self.host.run("run"), "GLR-119")
        self.assertEqual(self.changes(), [])


if __name__ == "__main__":
    main()
