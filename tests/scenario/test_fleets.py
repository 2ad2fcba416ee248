"""What a pattern names: whatever keeps it from being read is told as what it is, and what was found once is not let go of."""
from harness import HERE, Case, main

NAMES = ("apps/a", "apps/b")
UNAUTHORIZED = {"status": 401, "body": '{"message":"401 Unauthorized"}', "content_type": "application/json"}
BAD_GATEWAY = {"status": 502, "body": "<html>bad</html>", "content_type": "text/html"}


class Fleet(Case):
    clock = HERE
    world = {"projects": [{"path": path,
                           "tokens": [{"name": "ci-x", "scopes": ["read_api"], "created": "-10d", "expires": "+80d"}]}
                          for path in NAMES]}
    tokens = """
  - token: "project:apps/**:ci-*"
    except: [ "project:apps/legacy/**" ]
    deliver: [ ci_variable: "{name:key}" ]
"""

    def fail_list(self, path, **how):
        number = self.sim.ask("GET", f"/projects/{path.replace('/', '%2F')}?by=tests").json["id"]
        self.sim.fault("status", method="GET", path=f"*/projects/{number}/access_tokens*", times=0, **how)

    def test_a_passing_failure_calls_nobody(self):
        self.exits(0, "run")
        for what, tokens in (("project", 1), ("group", 2)):
            if what == "project":
                self.fail_list("apps/a", **BAD_GATEWAY)
            else:
                self.sim.fault("status", method="GET", path="*/groups/*/projects*", times=0, **BAD_GATEWAY)
            ended = self.exits(1, "run")
            self.assertEqual(ended.err.count(":ci-x: "), tokens, ended)
            self.assertEqual(ended.err.count("502"), tokens, ended)
            self.assertNotIn("GLR-", ended.err)
            self.clear_faults()
            self.exits(0, "run")

    def test_what_was_never_readable_is_told(self):
        self.fail_list("apps/a", **UNAUTHORIZED)
        ended = self.host.run("run")
        self.needs_person(ended, "GLR-119")
        self.assertIn("project:apps/a:ci-*", ended.err)
        for verb in ("plan", "check", "status"):
            self.assertIn("apps/a", self.exits(3, verb).out, verb)
        self.clear_faults()
        self.exits(0, "run")
        self.exits(0, "status")

    def test_what_is_excepted_need_not_be_readable(self):
        self.sim.act("rename_project", path="apps/a", to="apps/legacy/a")
        self.fail_list("apps/legacy/a", **UNAUTHORIZED)
        self.exits(0, "run")
        self.exits(0, "check")

    def test_an_owner_that_is_written_wrongly_is_told(self):
        self.host.set_tokens(self.tokens.replace("apps/**:", "apps/aa:"))
        self.needs_person(self.host.run("run"), "GLR-119")
        self.assertIn("apps/aa", self.exits(3, "check").out)

    def test_a_name_that_is_written_wrongly_is_told_to_who_asks(self):
        self.host.set_tokens(self.tokens.replace("ci-*", "cl-*"))
        for verb in ("check", "plan"):
            self.assertIn("project:apps/**:cl-*: finds no token", self.exits(0, verb).out)
        self.assertEqual(self.exits(0, "run").err, "")
        self.assertIn("project:apps/**:cl-*: finds no token", self.exits(0, "run", "--verbose").err)


class DeployFleet(Case):
    world = {"groups": [{"path": "apps"}],
             "projects": [{"path": "apps/a", "deploy_tokens": [
                 {"name": "ci-x", "username": "u", "scopes": ["read_registry"], "expires": "+80d"}]}]}
    tokens = """
  - token: "project_deploy:apps/**:ci-*"
    deliver: [ ci_variable: "{name:key}" ]
"""

    def test_one_that_is_deleted_is_gone(self):
        self.exits(0, "run")
        path = "/projects/apps%2Fa/deploy_tokens"
        token, = self.sim.ask("GET", f"{path}?by=tests").json
        self.assertEqual(self.sim.ask("DELETE", f"{path}/{token['id']}?by=tests").status, 204)
        self.needs_person(self.host.run("run"), "GLR-109")


if __name__ == "__main__":
    main()
