"""The program dies at any moment and is started again: a consumer never ends up with a dead secret."""
import signal

from harness import Case, deliver, main, until

WORLD = {"projects": [
    {"path": "shop/api",
     "tokens": [{"name": "push", "secret": "glpat-push-old-000000", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "PUSH", "value": "glpat-push-old-000000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver:
      - ci_variable: PUSH
      - file: %s/push-token
"""
CREATE = """
  - token: project:shop/api:fresh
    scopes: [ api ]
    access_level: developer
    deliver: [ ci_variable: FRESH ]
"""
MOST_REQUESTS = 200  # of one run: a failure in every row must end too


class Kill(Case):
    world = WORLD

    def setUp(self):
        super().setUp()
        self.host.set_tokens(TOKENS % self.host.path)

    def is_whole(self, name="push", key="PUSH"):
        secret = self.living(name)["secret"]
        self.assertEqual(self.variable("shop/api", key)["value"], secret)
        self.assertTrue(self.opens(secret))
        if name == "push":
            self.assertEqual((self.host.path / "push-token").read_text(), secret)
        self.no_family_is_harmed()
        self.assertIn("whole", self.exits(0, "history", "--verify").out)

    def dies_at(self, nth, fault, tokens, name, key):
        if tokens:
            self.host.set_tokens(tokens)
        if not self.kill_at(nth, fault):
            return False
        self.settles()
        self.is_whole(name, key)

    def kill_at_every_request(self, fault, tokens=None, name="push", key="PUSH"):
        died = self.each([(nth, fault, tokens, name, key) for nth in range(1, MOST_REQUESTS)], self.dies_at)
        self.assertIn(died, range(9, MOST_REQUESTS - 2))

    def test_killed_while_a_request_is_under_way(self):
        self.kill_at_every_request("delay")

    def test_killed_before_an_answer_arrives(self):
        self.kill_at_every_request("delay_after")

    def test_killed_during_a_creation(self):
        self.kill_at_every_request("delay_after", CREATE, "fresh", "FRESH")

    def test_killed_during_a_rotation_by_order(self):
        """Nothing is due afterwards: the next run goes on because of the row alone."""
        for fault in ("delay", "delay_after"):
            died = self.each([(nth, fault) for nth in range(1, MOST_REQUESTS)], self.order_dies_at)
            self.assertIn(died, range(9, MOST_REQUESTS - 2))

    def order_dies_at(self, nth, fault):
        self.exits(0, "run")
        self.forget_requests()
        if not self.kill_at(nth, fault, "rotate", "push", "--reason", "test"):
            return False
        was_planned = "rotation.planned" in self.events_since_the_order()
        self.settles()
        self.is_whole()
        self.assertEqual("rotation.closed" in self.events_since_the_order(), was_planned)

    def events_since_the_order(self):
        return self.host.events()[1 + self.host.events().index("rotation.closed"):]

    def test_killed_twice(self):
        self.each([(first, second) for first in (6, 9, 12, 14) for second in (3, 5, 8)], self.dies_at_both)

    def dies_at_both(self, first, second):
        self.kill_at(first, "delay_after")
        self.kill_at(second, "delay_after")
        self.settles()
        self.is_whole()

    def test_killed_after_any_time(self):
        self.each([(msec,) for msec in range(0, 200, 8)], self.dies_after)

    def dies_after(self, msec):
        running = self.host.start("run")
        try:
            running.communicate(timeout=msec / 1000)
        except Exception:  # it still runs
            running.send_signal(signal.SIGKILL)
        running.communicate()
        self.settles()
        self.is_whole()

    def test_the_intent_is_on_disk_before_the_request_is_sent(self):
        """Rule 1: while GitLab works on the request, the journal of a program that died says so."""
        self.sim.fault("delay", method="POST", path="*/rotate")
        running = self.host.start("run")
        until(self.is_held, "the request")
        running.send_signal(signal.SIGKILL)
        running.communicate()
        self.assertEqual(self.host.events()[-1], "rotation.intended")

    def test_a_secret_is_on_disk_before_it_is_delivered(self):
        self.sim.fault("delay", method="PUT", path="*/variables/*", nth=2)
        running = self.host.start("run")
        until(self.is_held, "the delivery")
        running.send_signal(signal.SIGKILL)
        running.communicate()
        self.sim.release()
        self.assertIn("rotation.held", self.host.events())
        self.forget_requests()
        self.settles()
        self.assertEqual(self.asked("POST", "/rotate$"), [])
        self.is_whole()

    def test_a_signal_ends_a_run_at_a_safe_point(self):
        self.sim.fault("delay_after", method="POST", path="*/rotate")
        running = self.host.start("run")
        until(self.is_held, "the request")
        deliver(running, signal.SIGTERM)
        self.sim.release()
        running.communicate()
        self.assertEqual(running.returncode, 1)
        # What was held is finished all the same.
        self.assertEqual(self.host.events()[-1], "rotation.closed")
        self.is_whole()


class Several(Case):
    """Five rows are under way in as many workers; each kill finds each of them somewhere else."""
    names = ("one", "two", "three", "four", "five")
    world = {"projects": [{"path": f"shop/{name}", "tokens": [{"name": name, "created": "-85d", "expires": "+5d"}]}
                          for name in names]}
    tokens = "".join(f"""
  - token: project:shop/{name}:{name}
    deliver: [ ci_variable: KEY, ci_variable: {{ key: KEY, group: shop, environment_scope: {name} }} ]
""" for name in names)

    def test_killed_while_several_are_rotated(self):
        died = self.each([(nth,) for nth in range(1, MOST_REQUESTS, 4)], self.dies_at)
        self.assertIn(4 * died, range(46, MOST_REQUESTS - 4))

    def dies_at(self, nth):
        if not self.kill_at(nth, "delay_after"):
            return False
        self.settles()
        for name in self.names:
            secret = self.living(name)["secret"]
            self.assertEqual(self.variable(f"shop/{name}", "KEY")["value"], secret)
            self.assertEqual(self.variable("shop", "KEY", name)["value"], secret)
        self.no_family_is_harmed()
        self.assertIn("whole", self.exits(0, "history", "--verify").out)


if __name__ == "__main__":
    main()
