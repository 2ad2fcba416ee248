"""A lost answer, for every type of token: each has its own endpoints, and its own list in which the doubt is settled."""
from harness import main
from lost import FAULTS, LostCase

# Done or not, with an answer or without.
FEW = [("drop_before_commit", {}), ("drop_after_commit", {}), ("cut_body", {}), ("status", {"status": 500})]

DUE = {"created": "-85d", "expires": "+5d"}
# Ids below those that the simulator gives: a successor has a higher one.
WORLD = {
    "users": [{"username": "alice", "id": 20, "tokens": [{"name": "laptop", "id": 53, **DUE}]}],
    "service_accounts": [{"username": "deployer", "id": 30, "tokens": [{"name": "helm", "id": 54, **DUE}]}],
    "groups": [{"path": "shop", "tokens": [{"name": "ci", "id": 52, **DUE}],
                "service_accounts": [{"username": "bot", "tokens": [{"name": "sync", "id": 55, **DUE}]}]}],
    "projects": [{"path": "shop/api", "tokens": [{"name": "push", "id": 51, **DUE}]}]}
# Address; where its rotation goes; where its creation goes.
TYPES = [
    ("project:shop/api:push", "*/access_tokens/51/rotate", "*/projects/*/access_tokens"),
    ("group:shop:ci", "*/access_tokens/52/rotate", "*/groups/*/access_tokens"),
    ("personal:alice:laptop", "*/personal_access_tokens/53/rotate", "*/users/20/personal_access_tokens"),
    ("service_account:deployer:helm", "*/personal_access_tokens/54/rotate", "*/users/30/personal_access_tokens"),
    ("service_account:shop/bot:sync", "*/personal_access_tokens/55/rotate",
     "*/service_accounts/*/personal_access_tokens"),
]


def policy(addresses, more=""):
    return "".join(f"""
  - token: {address}
    deliver: [ ci_variable: {{ key: {key(address)}, project: shop/api }} ]
    {more.replace("LEVEL", "access_level: guest" if address.startswith(("project:", "group:")) else "")}
""" for address in addresses)


def key(address):
    return address.split(":")[-1].upper()


class Types(LostCase):
    world = WORLD
    tokens = policy([address for address, _, _ in TYPES])
    faults = FAULTS
    most_posts = 2  # the one whose answer was lost, and the one that repairs it

    def all_are_whole(self, addresses):
        for address in addresses:
            with self.subTest(address):
                self.is_whole(address.split(":")[-1], key(address))
        self.posts_match_intents()

    def all_at_once(self, kind, more, addresses, paths):
        """Every token's request meets the fault, in one run of several workers."""
        for path in paths:
            self.sim.fault(kind, method="POST", path=path, **more)
        self.host.run("run")
        for fault in self.sim.ask("GET", "/sim/faults").json:
            self.assertEqual(fault["hits"], 1, fault)
        self.settles()
        self.all_are_whole(addresses)
        for address in addresses:
            made = len(self.tokens_of(address.split(":")[-1]))
            self.assertLessEqual(made, 1 + self.most_posts, f"tokens made for {address}")

    def test_rotations_of_every_type_are_repaired(self):
        addresses, paths, _ = zip(*TYPES)
        self.each([(*fault, addresses, paths) for fault in self.faults], self.all_at_once)

    def test_creations_of_every_type_are_repaired(self):
        addresses = [f"{address.rsplit(':', 1)[0]}:new{number}" for number, (address, _, _) in enumerate(TYPES)]
        _, _, paths = zip(*TYPES)
        self.each([(*fault, addresses, paths) for fault in self.faults], self.all_at_once,
                  tokens=policy(addresses, "scopes: [ api ]\n    LEVEL"))

    def test_two_owners_of_a_name_are_told_apart_when_both_answers_are_lost(self):
        """Successors of one name and one date, of two owners: each row finds its own."""
        self.sim.act("create_project", path="shop/web")
        self.sim.act("create_token", kind="project", owner="shop/web", name="push", id=61, scopes=["api"],
                     created="-85d", expires="+5d")
        self.host.set_tokens(policy(["project:shop/api:push"]) + policy(["project:shop/web:push"]).replace(
            "key: PUSH", "key: WEB"))
        self.sim.fault("drop_after_commit", method="POST", path="*/rotate", times=2)
        self.host.run("run")
        self.settles()
        for owner, variable in (("shop/api", "PUSH"), ("shop/web", "WEB")):
            project = self.sim.ask("GET", f"/sim/tokens?owner={owner}&name=push").json
            living = [t for t in project if t["alive"]]
            self.assertEqual(len(living), 1)
            self.assertEqual(self.variable("shop/api", variable)["value"], living[0]["secret"])
        self.posts_match_intents()


class OlderTypes(Types):
    """No creation carries a description there: that it is ours is known without our mark."""
    version = "16.11.10"
    faults = FEW
    test_two_owners_of_a_name_are_told_apart_when_both_answers_are_lost = None


class NewerTypes(Types):
    version = "19.0.0"
    faults = FEW
    test_two_owners_of_a_name_are_told_apart_when_both_answers_are_lost = None


if __name__ == "__main__":
    main()
