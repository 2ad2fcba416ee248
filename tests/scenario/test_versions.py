"""Every release that we say we know: rotated, delivered, repaired; nothing is asked that it lacks."""
from harness import Case, main

DUE = {"created": "-85d", "expires": "+5d"}
RELEASES = ["16.0.8", "16.1.6", "16.2.9", "16.5.10", "16.6.10", "16.8.9", "16.10.10", "17.2.9", "17.5.5", "17.6.5", "17.8.7",
            "17.9.8", "17.11.7", "18.3.6", "18.11.5", "19.2.0"]
WORLD = {
    "users": [{"username": "alice", "tokens": [{"name": "laptop", **DUE}]}],
    "groups": [{"path": "shop", "tokens": [{"name": "ci", **DUE}]}],
    "projects": [{"path": "shop/api", "tokens": [{"name": "push", "access_level": "developer", **DUE}],
                  "variables": [{"key": "PUSH", "value": "old-value-00000"}]}]}
BOT = {"service_accounts": [{"username": "bot", "tokens": [{"name": "sync", **DUE}]}]}
KEYS = {"push": "PUSH", "ci": "CI", "laptop": "LAPTOP", "sync": "SYNC"}
TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
  - token: group:shop:ci
    deliver: [ ci_variable: { key: CI, project: shop/api } ]
  - token: personal:alice:laptop
    deliver: [ ci_variable: { key: LAPTOP, project: shop/api } ]
"""
SYNC = """
  - token: service_account:shop/bot:sync
    deliver: [ ci_variable: { key: SYNC, project: shop/api } ]
"""
MADE = """
  - token: project:shop/api:made
    scopes: [ read_api ]
    access_level: developer
    deliver: [ ci_variable: MADE ]
"""


class Versions(Case):
    def begin(self, version):
        """Group service accounts came with 16.1."""
        self.doCleanups()
        has_bots = version.split(".")[:2] != ["16", "0"]
        self.version = version
        self.world = {**WORLD, "groups": [{**WORLD["groups"][0], **(BOT if has_bots else {})}]}
        self.setUp()
        self.host.set_tokens(TOKENS + (SYNC if has_bots else ""))
        return [name for name in KEYS if has_bots or name != "sync"]

    def holds(self, name, key):
        token = self.living(name)
        self.assertEqual(self.variable("shop/api", key)["value"], token["secret"])
        self.assertTrue(self.opens(token["secret"]))

    def test_every_release_rotates_and_delivers(self):
        for version in RELEASES:
            with self.subTest(version):
                names = self.begin(version)
                self.exits(0, "check")
                self.assertIn(f"rotated {len(names)} tokens", self.exits(0, "run").out)
                for name in names:
                    self.holds(name, KEYS[name])
                self.forget_requests()
                self.exits(0, "run")
                self.assertEqual(self.changes(), [])

    def test_every_release_has_its_lost_answer_repaired(self):
        for version in RELEASES:
            with self.subTest(version):
                names = self.begin(version)
                self.sim.fault("drop_after_commit", method="POST", path="*/rotate", times=len(names))
                self.host.run("run")
                self.settles()
                for name in names:
                    self.holds(name, KEYS[name])

    def test_every_release_creates_once_although_the_answer_is_lost(self):
        for version in RELEASES:
            with self.subTest(version):
                self.begin(version)
                self.host.set_tokens(MADE)
                self.sim.fault("drop_after_commit", method="POST", path="*/access_tokens")
                self.host.run("run")
                self.settles()
                self.holds("made", "MADE")
                self.assertEqual(self.asked("POST", "/access_tokens$")[1:], [])

    def test_a_stamp_fences_where_the_release_keeps_descriptions(self):
        for version, code in (("16.1.6", 0), ("16.2.9", 3)):
            with self.subTest(version):
                self.begin(version)
                self.exits(0, "run")
                other = self.host.path / "other"
                other.mkdir(mode=0o700)
                self.host.run("run", state=other)
                self.assertEqual(self.host.run("rotate", "push", "--reason", "test", state=other).code, code)


if __name__ == "__main__":
    main()
