"""Random faults, kills and other hands, seed by seed: soak.py SEEDS [FIRST]; the suite runs a few of them.

What must hold two runs after the last fault (and what is checked for each seed): every destination holds a live secret
of its token, no token that our requests made is alive outside of them, no dead credential went down a rotate path, the
journal's chain is whole. Another hand that revokes or rotates makes a row wait for a person: then nothing was changed."""
import random
import signal
import subprocess
import sys
import unittest

from harness import Case

KINDS = ("drop_before_commit", "drop_after_commit", "cut_body", "garbage", "wrong_content_type",
         "status", "too_many", "delay", "delay_after")
NAMES = ("one", "two", "three")
WORLD = {"projects": [{"path": f"shop/{name}", "tokens": [{"name": name, "created": "-85d", "expires": "+5d"}],
                       "variables": [{"key": "KEY", "value": "old-value-00000"}]} for name in NAMES]}
TOKENS = "".join(f"""
  - token: project:shop/{name}:{name}
    deliver: [ ci_variable: KEY, file: %s/{name} ]
""" for name in NAMES) + """
  - token: project:shop/one:made
    scopes: [ api ]
    access_level: developer
    deliver: [ ci_variable: MADE ]
"""


class Soak(Case):
    world = WORLD
    seeds, first = 3, 1

    def disturb(self, dice):
        """A few kinds of fault at once, each with its probability."""
        self.clear_faults()
        for kind in dice.sample(KINDS, dice.randint(1, 3)):
            more = {"ms": dice.choice((20, 100, 300))} if "delay" in kind else {}
            if kind == "status":
                more = {"status": dice.choice((500, 502, 503)), "commit": dice.random() < 0.5}
            if kind == "too_many":
                more = {"retry_after": 1}
            self.sim.fault(kind, path="*", probability=dice.choice((0.03, 0.1, 0.3)), seed=dice.randint(1, 10**6),
                           **more)

    def run_for(self, seconds):
        running = self.host.start("run")
        try:
            running.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            running.communicate()
        self.assertIn(running.returncode, (0, 1, 3, 5, -9), "how the program ended")

    def is_whole(self):
        for name in NAMES:
            secret = self.living(name)["secret"]
            self.assertEqual(self.variable(f"shop/{name}", "KEY")["value"], secret)
            self.assertEqual((self.host.path / name).read_text(), secret)
        self.assertEqual(self.variable("shop/one", "MADE")["value"], self.living("made")["secret"])
        self.no_family_is_harmed()
        self.assertIn("whole", self.exits(0, "history", "--verify").out)

    def soak(self, seed):
        dice = random.Random(seed)
        self.host.set_tokens(TOKENS.replace("%s", str(self.host.path)))
        for _ in range(dice.randint(2, 5)):
            self.disturb(dice)
            self.run_for(dice.choice((0.05, 0.1, 0.2, 0.4, 0.8, 30)))
        self.clear_faults()
        self.settles(2)
        self.is_whole()

    def test_it_ends_well_whatever_happens(self):
        for seed in range(self.first, self.first + self.seeds):
            with self.subTest(seed=seed):
                self.again()
                self.soak(seed)


if __name__ == "__main__":
    Soak.seeds = int(sys.argv[1]) if len(sys.argv) > 1 else Soak.seeds
    Soak.first = int(sys.argv[2]) if len(sys.argv) > 2 else Soak.first
    unittest.main(argv=sys.argv[:1])
