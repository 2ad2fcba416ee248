"""The doors beside the API: what a container registry's and git's clients are told about a login."""
import base64
import json
import os
import subprocess
import tempfile
import unittest

from sim_client import Answer, Sim

DEPLOY = [{"name": "images", "username": "puller", "secret": "gldt-images", "scopes": ["read_registry"]},
          {"name": "both", "username": "both", "secret": "gldt-both", "scopes": ["read_registry", "read_repository"]},
          {"name": "pusher", "username": "pusher", "secret": "gldt-push", "scopes": ["read_registry", "write_registry"]},
          {"name": "packages", "username": "packer", "secret": "gldt-packages", "scopes": ["read_package_registry"]},
          {"name": "over", "username": "over", "secret": "gldt-over", "scopes": ["read_registry"], "expires": "+1h"},
          {"name": "gone", "username": "gone", "secret": "gldt-gone", "scopes": ["read_registry"], "revoked": True}]
WORLD = {
    "users": [{"username": "alice", "tokens": [
        {"name": "all", "secret": "alice-all"},
        {"name": "code", "secret": "alice-code", "scopes": ["read_repository"]},
        {"name": "user", "secret": "alice-user", "scopes": ["read_user"]},
        {"name": "old", "secret": "alice-old", "expires": "-1d"}]},
        {"username": "eve", "tokens": [{"name": "all", "secret": "eve-all"}]}],
    "groups": [{"path": "shop", "members": [{"user": "alice", "level": "developer"}], "deploy_tokens": [
        {"name": "wide", "username": "wide", "secret": "gldt-wide", "scopes": ["read_registry", "read_repository"]}]}],
    "projects": [{"path": "shop/api", "deploy_tokens": DEPLOY,
                  "tokens": [{"name": "bot", "secret": "bot-1", "access_level": "reporter"}]},
                 {"path": "shop/dark", "repository": False, "deploy_tokens": [
                     {"name": "dark", "username": "dark", "secret": "gldt-dark", "scopes": ["read_repository"]}]},
                 {"path": "shop/open", "visibility": "public"}]}
PULL = "&scope=repository:shop/api:pull,push"
DENIED = {"errors": [{"code": "DENIED", "message": "access forbidden"}], "http_status": 403}
CANNOT = "You are not allowed to download code."
GIT = ("git-upload-pack", "git-receive-pack")


class Case(unittest.TestCase):
    def setUp(self):
        self.sim = Sim(WORLD)
        self.addCleanup(self.sim.close)

    def knock(self, path, login=None, secret=""):
        line = self.sim.line()
        self.addCleanup(line.close)
        pair = base64.b64encode(f"{login}:{secret}".encode()).decode()
        line.request("GET", path, headers={"Authorization": f"Basic {pair}"} if login is not None else {})
        return Answer(line.getresponse())

    def registry(self, login=None, secret="", scope=""):
        return self.knock(f"/jwt/auth?service=container_registry{scope}", login, secret)

    def granted(self, *who, scope=PULL):
        answer = self.registry(*who, scope=scope)
        self.assertEqual(answer.status, 200, answer.text)
        claims = answer.json["token"].split(".")[1]
        return [a["actions"] for a in json.loads(base64.urlsafe_b64decode(claims + "=="))["access"]]

    def git(self, login=None, secret="", path="shop/api", service=GIT[0]):
        return self.knock(f"/{path}.git/info/refs?service={service}", login, secret)

    def last(self):
        return self.sim.ask("GET", "/sim/requests").json[-1]


class Registry(Case):
    def test_a_login_is_one_by_name_and_secret_while_it_lives(self):
        for login, secret, status, credential in [
                ("puller", "gldt-images", 200, "active"), ("Puller", "gldt-images", 401, "unknown"),
                ("puller", "gldt-other", 401, "unknown"), ("gone", "gldt-gone", 401, "revoked"),
                ("over", "gldt-over", 200, "active"), ("packer", "gldt-packages", 401, "active"),
                ("", "", 401, "unknown"), ("anybody", "alice-all", 200, "active"),
                ("", "bot-1", 200, "active"), ("alice", "alice-old", 401, "expired")]:
            answer = self.registry(login, secret)
            self.assertEqual((answer.status, self.last()["credential"]), (status, credential), (login, secret))
            if status == 401:
                self.assertEqual([e["code"] for e in answer.json["errors"]], ["UNAUTHORIZED"])
                self.assertIn("incorrect, expired, or improperly scoped. See http", answer.json["errors"][0]["message"])
                self.assertNotIn("http_status", answer.json)
        self.sim.ask("POST", "/sim/clock", {"advance": "2h"})
        self.assertEqual(self.registry("over", "gldt-over").status, 401)
        self.assertEqual((self.last()["credential"], self.last()["deploy_token_id"]), ("expired", 6))

    def test_what_is_granted_goes_by_scopes_and_level(self):
        for login, secret, access in [
                ("puller", "gldt-images", [["pull"]]), ("pusher", "gldt-push", [["pull", "push"]]),
                ("wide", "gldt-wide", [["pull"]]), ("dark", "gldt-dark", None), ("any", "alice-all", [["pull", "push"]]),
                ("any", "bot-1", [["pull"]]), ("any", "eve-all", []), ("any", "alice-code", None)]:
            if access is None:
                self.assertEqual((self.registry(login, secret, PULL).status,
                                  self.registry(login, secret, PULL).json), (403, DENIED))
            else:
                self.assertEqual(self.granted(login, secret), access, login)
        self.assertEqual(self.granted("puller", "gldt-images", scope="&scope=repository:shop/api/a/b:pull"
                                      "+repository:none:pull&scope=repository:shop/open:pull"), [["pull"], ["pull"]])

    def test_without_a_login_there_is_what_everybody_may(self):
        self.assertEqual((self.registry().status, self.registry().json), (403, DENIED))
        self.assertEqual(self.registry(scope=PULL).status, 403)
        self.assertEqual(self.granted(scope="&scope=repository:shop/open:pull"), [["pull"]])

    def test_other_services_and_an_instance_without_a_registry(self):
        self.assertEqual((self.knock("/jwt/auth?service=other").status, self.knock("/jwt/auth").text), (404, ""))
        self.sim.act("set_settings", settings={"registry_enabled": False})
        self.assertEqual(self.registry().json, {"errors": [{"code": "UNAVAILABLE", "message": "registry not enabled"}],
                                                "http_status": 404})
        # Who has nothing but scopes of the registry is not even let in.
        self.assertEqual([self.registry(*who).status for who in [("puller", "gldt-images"), ("both", "gldt-both")]],
                         [401, 404])


class Git(Case):
    def test_an_empty_repository(self):
        for who, service in [(("both", "gldt-both"), 0), (("any", "alice-all"), 1)]:
            answer = self.git(*who, service=GIT[service])
            self.assertEqual((answer.status, answer.headers["content-type"]),
                             (200, f"application/x-{GIT[service]}-advertisement"))
            self.assertTrue(answer.raw.startswith(b"00%02x# service=%s\n0000" % (15 + len(GIT[service]),
                                                                                GIT[service].encode())), answer.raw)

    def test_who_is_not_let_in_is_told_how_to(self):
        for login, secret, path in [("both", "gldt-images", "shop/api"), ("Both", "gldt-both", "shop/api"),
                                    ("both", "gldt-both", "shop/dark"), ("dark", "gldt-dark", "shop/dark"),
                                    ("x", "alice-old", "shop/api"), ("", "", "shop/open"), (None, "", "shop/api"),
                                    (None, "", "no/thing"), ("x", "bot-1", "shop/dark")]:
            answer = self.git(login, secret, path)
            self.assertEqual((answer.status, answer.headers["www-authenticate"]), (401, 'Basic realm="GitLab"'), login)
            self.assertTrue(answer.text.startswith("HTTP Basic: Access denied. If a password"), answer.text)
        self.assertEqual(self.git(path="shop/open").status, 200)
        self.assertEqual(self.git(path="shop/open", service=GIT[1]).status, 401)

    def test_who_is_let_in_and_may_not(self):
        push = "You are not allowed to push code to this project."
        for login, secret, path, service, status, text in [
                ("puller", "gldt-images", "shop/api", 0, 403, CANNOT),
                ("both", "gldt-both", "shop/api", 1, 403, "You are not allowed to upload code."),
                ("both", "gldt-both", "no/thing", 0, 404, "The project you were looking for could not be found"),
                ("x", "alice-user", "shop/api", 0, 403, CANNOT), ("x", "eve-all", "shop/open", 1, 403, push),
                ("x", "eve-all", "shop/api", 0, 404, "The project you were looking for"),
                ("x", "bot-1", "shop/api", 1, 403, push)]:
            answer = self.git(login, secret, path, GIT[service])
            self.assertEqual(answer.status, status, (login, path))
            self.assertTrue(answer.text.startswith(text), answer.text)
        self.assertEqual(self.git("x", "alice-all", service="rm").text,
                         "The command you're trying to execute is not allowed.")
        self.sim.act("archive_project", path="shop/api")
        self.assertEqual([self.git("x", "alice-all", service=s).status for s in GIT], [200, 403])

    def test_git_itself(self):
        with tempfile.TemporaryDirectory() as home:
            for secret, status in [("gldt-both", 0), ("gldt-images", 128)]:
                with open(f"{home}/logins", "w", encoding="ascii") as file:
                    file.write(f"http://both:{secret}@{self.sim.address}\n")
                done = subprocess.run(
                    ["git", "-c", f"credential.helper=store --file={home}/logins", "ls-remote",
                     f"http://{self.sim.address}/shop/api.git"], capture_output=True, text=True, check=False,
                    env={"PATH": os.environ["PATH"], "HOME": home, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"})
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertEqual(self.last()["credential"], "active" if status == 0 else "unknown")
            self.assertIn("Authentication failed", done.stderr)


class Both(Case):
    def test_faults_and_hands_reach_the_doors(self):
        self.sim.fault("too_many", path="/jwt/auth", retry_after=7)
        self.assertEqual((self.registry("puller", "gldt-images").status, self.last()["fault"]), (429, "too_many"))
        self.sim.fault("html", path="*.git/info/refs", status=502)
        self.assertEqual((self.git("both", "gldt-both").status, self.last()["fault"]), (502, "html"))
        self.sim.act("revoke_deploy_token", owner="shop/api", deploy_token=3, before={"path": "*info/refs"})
        self.assertEqual((self.git("both", "gldt-both").status, self.last()["credential"]), (401, "revoked"))

    def test_only_what_goes_through_a_door_is_a_login(self):
        pair = base64.b64encode(b"x:alice-all").decode()
        answer = self.sim.ask("GET", "/user", token=None, headers={"Authorization": f"Basic {pair}"})
        self.assertEqual((answer.status, self.last()["credential"]), (401, "none"))
        line = self.sim.line()
        line.request("GET", "/shop/api.git/info/refs?service=git-upload-pack", headers={"PRIVATE-TOKEN": "alice-all"})
        self.assertEqual(line.getresponse().status, 401)
        line.close()


if __name__ == "__main__":
    unittest.main()
