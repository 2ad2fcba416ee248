"""What the tests of replacements share: the same questions of a project's token and of a deploy token."""
from lost import LostCase


class ReplaceCase(LostCase):
    """A project's token that is replaced by a new one, with a bot of its own."""
    address = "project:shop/api:push"
    name, key, owner, old_secret = "push", "PUSH", "shop/api", "glpat-push-old-000000"
    create = "*/projects/*/access_tokens"
    end = "*/access_tokens/*"
    world = {"projects": [
        {"path": "shop/api",
         "tokens": [{"name": "push", "secret": "glpat-push-old-000000", "created": "-85d", "expires": "+5d"}],
         "variables": [{"key": "PUSH", "value": "glpat-push-old-000000"}]}]}
    more = "strategy: replace\n    new_bot: accept\n    overlap: 1d"
    deliver = "[ ci_variable: PUSH ]"

    @property
    def tokens(self):
        return self.entry(self.more)

    def entry(self, more, address=None, deliver=None):
        return f"\n  - token: {address or self.address}\n    {more}\n    deliver: {deliver or self.deliver}\n"

    def adopts(self):
        self.assertEqual(self.host.run("run", "--limit", "0").code, 1)

    # --- what GitLab has ---

    def all_made(self, name=None):
        return sorted(self.tokens_of(name or self.name), key=lambda t: t["id"])

    def alive_now(self, name=None):
        return [t for t in self.all_made(name) if t["alive"]]

    def old(self):
        return [t for t in self.all_made() if t["secret"] == self.old_secret]

    def old_lives(self):
        return any(t["alive"] for t in self.old())

    def value(self):
        return self.variable(self.owner, self.key)["value"]

    def namesake(self, **more):
        """Somebody else makes one of the same name."""
        kind, owner, _ = self.address.split(":")
        return self.sim.act("create_token", kind=kind, owner=owner, name=self.name, scopes=["api"], **more)

    # --- what must hold ---

    def is_delivered(self):
        """The variable holds a secret that lives, and is not the old one."""
        holders = [t for t in self.alive_now() if t["secret"] == self.value()]
        self.assertEqual(len(holders), 1, self.all_made())
        self.assertNotEqual(self.value(), self.old_secret)

    def is_replaced_once(self, others=()):
        """The new one and the old one live, or the new one alone; nothing else of ours does."""
        living = [t for t in self.alive_now() if t["secret"] != self.old_secret and t["id"] not in others]
        self.assertEqual(len(living), 1, self.all_made())
        self.assertEqual(living[0]["secret"], self.value())
        self.no_family_is_harmed()

    def is_finished(self, others=()):
        self.is_replaced_once(others)
        self.assertFalse(self.old_lives(), "the old one still lives")

    def finishes(self, others=()):
        """Two runs after the last fault, and those that come after the overlap."""
        self.settles()
        self.is_replaced_once(others)
        self.advance("25h")
        self.settles()
        self.is_finished(others)

    def states(self):
        return [e.split(".")[1] for e in self.host.events() if e.startswith("rotation.")]


class DeployCase(ReplaceCase):
    """The same of a deploy token, which has neither a bot nor a description."""
    address = "project_deploy:shop/api:pull"
    name, key, old_secret = "pull", "PULL", "gldt-old-000000000000"
    username = "gitlab+deploy-token-99"
    create = "*/projects/*/deploy_tokens"
    end = "*/deploy_tokens/*"
    world = {"projects": [
        {"path": "shop/api",
         "deploy_tokens": [{"name": "pull", "username": "gitlab+deploy-token-99", "secret": "gldt-old-000000000000",
                            "scopes": ["read_registry", "read_repository"], "expires": "+5d"}],
         "variables": [{"key": "PULL", "value": "gldt-old-000000000000"}]}]}
    more = "overlap: 1d"
    deliver = "[ ci_variable: PULL ]"

    def tokens_of(self, name):
        return self.sim.ask("GET", f"/sim/deploy_tokens?owner={self.owner}&name={name}").json

    def namesake(self, **more):
        return self.sim.ask("POST", "/projects/shop%2Fapi/deploy_tokens?by=tests",
                            {"name": self.name, "scopes": ["read_registry"], **more}).json

    def secrets(self):
        return super().secrets() | {t["secret"] for t in self.sim.ask("GET", "/sim/deploy_tokens").json}
